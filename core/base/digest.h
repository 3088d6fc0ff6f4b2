#pragma once
#include <string>
#include <string_view>

namespace dmskafka {

/// SHA-256 of `bytes`, as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

/// The shape of DMS's own task ids: the first 26 characters (A–Z, 2–7; RFC 4648 base32) of the SHA-256 of
/// `bytes`.
std::string task_id_from(std::string_view bytes);

}  // namespace dmskafka
