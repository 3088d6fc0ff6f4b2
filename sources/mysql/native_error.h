#pragma once
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/table_schema.h"

namespace dmskafka::mysql {

/// What the server or the client library said.
struct NativeError {
  unsigned number = 0;  ///< 1045; from 2000 to 2999 the client library's own (the connection)
  std::string
      message;  ///< one line; of a syntax error never the statement's text, which may hold what the user wants kept
};

/// The words of `message`, fit to be shown.
NativeError make_native_error(unsigned number, std::string_view message);

/// The attempt to connect as `user` to `place` ("host:port") failed.
/// kSourceUnavailable: nobody there, or not ready; kSourceRejected: the answer was no.
Error connect_error(const NativeError& native, std::string_view user, std::string_view place);

/// A statement about the whole server failed. kSourceUnavailable or kSourceRejected.
Error query_error(const NativeError& native);

/// Reading one table failed. kTableUnreadable, or kSourceUnavailable when the connection or the server is the reason.
/// `account` is CURRENT_USER(), for the statement that would help.
Error table_error(const NativeError& native, const TableName& table, std::string_view account);

/// The server has no right for what was asked (RELOAD, BACKUP_ADMIN, SELECT …), or does not know the statement.
bool is_denied(const NativeError& native) noexcept;
/// A lock was not to be had within lock_wait_timeout.
bool is_lock_timeout(const NativeError& native) noexcept;

}  // namespace dmskafka::mysql
