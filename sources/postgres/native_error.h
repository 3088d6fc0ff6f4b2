#pragma once
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/table_schema.h"

namespace dmskafka::postgres {

/// What the server or libpq said.
struct NativeError {
  std::string sqlstate;  ///< five characters; "" when the words are libpq's own
  std::string message;   ///< one line; never a statement's text, which may hold what the user wants kept
  std::string hint;      ///< the server's own
};

/// Reads libpq's text of a failed connection attempt, written at PQERRORS_VERBOSE ("FATAL:  28P01: password …"): libpq gives
/// no other way to the SQLSTATE of a refusal, and the words may be in any language.
NativeError parse_connect_failure(std::string_view text);

/// The attempt to connect as `user` to `place` ("host:port, database \"bench\"") failed.
/// kSourceUnavailable: nobody there, or not ready; kSourceRejected: the answer was no.
Error connect_error(const NativeError& native, std::string_view user, std::string_view place);

/// A statement about the whole database failed. kSourceUnavailable or kSourceRejected.
Error query_error(const NativeError& native);

/// What helps when a table may not be read.
struct TableAccess {
  TableName table;
  std::string role;
  bool row_security = false;  ///< The table has row-level security.
};
/// Reading one table failed. kTableUnreadable, or kSourceUnavailable when the connection or the server is the reason.
Error table_error(const NativeError& native, const TableAccess& access);
/// The role lacks a privilege on the table, or on its schema.
Error missing_privilege(const TableAccess& access);
Error missing_schema_privilege(const TableAccess& access);

}  // namespace dmskafka::postgres
