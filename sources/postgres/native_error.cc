#include "sources/postgres/native_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "sources/postgres/identifier.h"

namespace dmskafka::postgres {
namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view p) { return text.starts_with(p); });
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view p) { return text.find(p) != std::string_view::npos; });
}

/// The server or the way to it, and not our request, is the reason.
/// https://www.postgresql.org/docs/current/errcodes-appendix.html
bool is_unavailable(std::string_view sqlstate) {
  return starts_with_any(sqlstate,
                         {
                             "08",  // connection exception
                             "53",  // insufficient resources: too many connections, disk full, out of memory
                             "57P01",  // admin_shutdown
                             "57P02",  // crash_shutdown
                             "57P03",  // cannot_connect_now: starting up, shutting down, in recovery
                             "57P05",  // idle_session_timeout
                             "58",     // system error
                             "40001",  // on a standby: a conflict with recovery took the snapshot away
                             "25P0",   // our transaction was ended by one of the timeouts
                         });
}

/// A state is five digits or upper-case letters between ' ' and ": ". It has a digit, which tells it from " FATAL: ".
std::size_t find_sqlstate(std::string_view text) {
  for (std::size_t i = 0; i + 7 < text.size(); ++i) {
    if (text[i] != ' ' || text[i + 6] != ':' || text[i + 7] != ' ') continue;
    const std::string_view state = text.substr(i + 1, 5);
    const bool fits = std::all_of(state.begin(), state.end(),
                                  [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
    if (fits && state.find_first_of("0123456789") != std::string_view::npos) return i + 1;
  }
  return std::string_view::npos;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == '\n' || c == '\t' || c == '\r' || c == ' ';
    if (!blank) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

Error with_native_hint(Error error, const NativeError& native) {
  return native.hint.empty() ? error : std::move(error).hint(native.hint);
}

}  // namespace

NativeError parse_connect_failure(std::string_view text) {
  NativeError native;
  const std::size_t state = find_sqlstate(text);
  if (state == std::string_view::npos) {
    native.message = one_line(text);
    return native;
  }
  native.sqlstate = text.substr(state, 5);
  std::string_view message = text.substr(state + 7);
  // The lines after the first are LOCATION (a place in the server's source), DETAIL and the like.
  native.message = one_line(message.substr(0, message.find('\n')));
  return native;
}

Error connect_error(const NativeError& native, std::string_view user, std::string_view place) {
  const auto unavailable = [&] {
    return Error(ErrorCode::kSourceUnavailable,
                 fmt::format("PostgreSQL at {} cannot be reached: {}", place, native.message));
  };
  const auto rejected = [&] {
    return Error(ErrorCode::kSourceRejected,
                 fmt::format("PostgreSQL at {} refused user \"{}\": {}", place, user, native.message));
  };
  if (!native.sqlstate.empty()) {
    if (is_unavailable(native.sqlstate)) return unavailable();
    if (native.sqlstate == "28000" && contains_any(native.message, {"no encryption", "SSL off"})) {
      return rejected().hint(
          "the server may want encryption: set SslMode to require, verify-ca or verify-full");
    }
    return rejected();
  }
  // libpq's own words, which are English: nothing of ours calls setlocale().
  if (contains_any(native.message, {"no password supplied"})) {
    return rejected().hint("give the endpoint a Password, or set PGPASSWORD or ~/.pgpass");
  }
  if (contains_any(native.message, {"SSL SYSCALL", "closed unexpectedly"})) return unavailable();
  if (contains_any(native.message, {"SSL", "certificate", "authentication", "invalid "})) return rejected();
  return unavailable();
}

Error query_error(const NativeError& native) {
  const bool unavailable = native.sqlstate.empty() || is_unavailable(native.sqlstate);
  return with_native_hint(Error(unavailable ? ErrorCode::kSourceUnavailable : ErrorCode::kSourceRejected,
                                "PostgreSQL: " + native.message),
                          native);
}

Error table_error(const NativeError& native, const TableAccess& access) {
  if (native.sqlstate.empty() || is_unavailable(native.sqlstate)) return query_error(native);
  Error error(ErrorCode::kTableUnreadable, fmt::format("{}: {}", access.table.text(), native.message));
  if (native.sqlstate == "42501") {
    if (access.row_security) {
      return std::move(error).hint(fmt::format(
          "the table has row-level security, which would hide rows: ALTER ROLE {} BYPASSRLS; or, as the "
          "table's owner, without FORCE ROW LEVEL SECURITY",
          quote_identifier(access.role)));
    }
    return std::move(error).hint(
        fmt::format("GRANT SELECT ON {} TO {};", quote_table(access.table), quote_identifier(access.role)));
  }
  if (native.sqlstate == "55P03") {
    return std::move(error).hint(
        "another session holds or waits for an ACCESS EXCLUSIVE lock (ALTER TABLE, TRUNCATE, VACUUM FULL …)");
  }
  return with_native_hint(std::move(error), native);
}

Error missing_privilege(const TableAccess& access) {
  return Error(ErrorCode::kTableUnreadable, fmt::format("{}: user \"{}\" has no permission to read the table",
                                                        access.table.text(), access.role))
      .hint(
          fmt::format("GRANT SELECT ON {} TO {};", quote_table(access.table), quote_identifier(access.role)));
}

Error missing_schema_privilege(const TableAccess& access) {
  return Error(ErrorCode::kTableUnreadable, fmt::format("{}: user \"{}\" has no permission to use the schema",
                                                        access.table.text(), access.role))
      .hint(fmt::format("GRANT USAGE ON SCHEMA {} TO {};", quote_identifier(access.table.schema),
                        quote_identifier(access.role)));
}

}  // namespace dmskafka::postgres
