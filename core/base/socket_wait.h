#pragma once
#include <chrono>

namespace dmskafka {

/// True when one of `events` (poll.h), or an error, is there; false after `wait`. A signal does not end the wait early.
bool wait_socket(int socket, short events, std::chrono::milliseconds wait) noexcept;

/// True when the peer of `socket` accepts another connection within `wait`.
bool peer_answers(int socket, std::chrono::milliseconds wait) noexcept;

}  // namespace dmskafka
