#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/log_position.h"
#include "core/base/result.h"

namespace dmskafka::mysql {

/// Whose log it is: the two number transactions differently.
enum class Flavour : std::uint8_t { kMysql, kMariadb };
std::string_view flavour_name(Flavour flavour) noexcept;  ///< "mysql", "mariadb"

/// A place in a server's binary log: before the event at `offset` of `file`.
struct BinlogPosition {
  std::string file;          ///< "mysql-bin.000024"
  std::uint64_t offset = 4;  ///< of 64 bits: files may grow beyond 4 GiB
  /// All transactions before this place, if the server numbers them. MySQL: the executed set, "uuid:1-5,…"; MariaDB: the last of
  /// each domain, "0-1-42,…". No white space. Empty: none are numbered.
  std::string gtid;
  Flavour flavour = Flavour::kMysql;
  /// Whose files these are, as SourceIdentity::server says it; "": not known.
  std::string server = {};
  /// Counts the servers that the task went on to, so that positions stay in order where the files begin anew.
  std::uint32_t epoch = 0;
  /// When the server began the file, in seconds since 1970: a file of the same name may be another one. 0: not known.
  std::uint32_t file_time = 0;
  /// Transactions that are prepared (XA) begin there, before this place: after a restart the log is read again from there, and what
  /// lies between is passed over.
  struct Reread {
    std::string file;
    std::uint64_t offset = 4;
    std::string gtid;
    friend bool operator==(const Reread&, const Reread&) = default;
  };
  std::optional<Reread> reread = {};
  friend bool operator==(const BinlogPosition&, const BinlogPosition&) = default;
};

/// The number at the end of a binary log's name, which may have more than six digits; nullopt: the name has none.
std::optional<std::uint64_t> binlog_file_number(std::string_view file) noexcept;

/// "mysql-bin.000024:373", or "mysql-bin.000024:373 0-1-42" where there is a GTID.
std::string print_position(const BinlogPosition& position);
/// What print_position() gives. Errors: kInvalidSettings, with what was expected.
Result<BinlogPosition> parse_position(std::string_view text, Flavour flavour);

/// `text` is print_position()'s, the order that of epoch, file number and offset.
LogPosition to_log_position(const BinlogPosition& position);
/// From LogPosition::bytes. Errors: kStateFile: the bytes are none of ours.
Result<BinlogPosition> from_log_position(const LogPosition& position);

/// A GTID set as servers print it ("…:1-5,\n…", in any case) without white space and in small letters.
std::string normalised_gtid(std::string_view gtid);

}  // namespace dmskafka::mysql
