#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace dmskafka::mysql {

/// MySQL's executed set: "uuid[:tag]:1-5:7,…". Every transaction of a server (and tag) has a number; the set holds all that went
/// before a place. Thread: one at a time.
class GtidSet {
 public:
  using Uuid = std::array<std::uint8_t, 16>;

  /// White space, line breaks, capitals and repeated servers are taken. Errors: kInvalidSettings.
  static Result<GtidSet> parse(std::string_view text);
  /// The members of a PREVIOUS_GTIDS event, or of COM_BINLOG_DUMP_GTID. Errors: kSourceRejected.
  static Result<GtidSet> parse_binary(std::string_view bytes);

  void add(const Uuid& uuid, std::string_view tag, std::uint64_t number) {
    add_range(uuid, tag, number, number);
  }
  bool contains(const Uuid& uuid, std::string_view tag, std::uint64_t number) const;
  bool empty() const noexcept { return sources_.empty(); }
  /// Canonical: servers in order, intervals merged, no white space.
  std::string text() const;
  /// What COM_BINLOG_DUMP_GTID takes: n u64, then by server its 16 bytes, m u64 and m × (first u64, behind the last u64). With tags
  /// the form that servers since 8.3 know.
  std::string binary() const;
  friend bool operator==(const GtidSet& a, const GtidSet& b) { return a.text() == b.text(); }

 private:
  struct Source {
    std::string name;                                  // "uuid" or "uuid:tag", as printed
    std::map<std::uint64_t, std::uint64_t> intervals;  // first -> last, disjoint, not adjacent
    mutable std::string printed;                       // "" when it must be made anew
  };
  void add_range(const Uuid& uuid, std::string_view tag, std::uint64_t first, std::uint64_t last);
  static Result<void> parse_source(std::string_view text, GtidSet& set);

  std::map<std::pair<Uuid, std::string>, Source> sources_;
  mutable std::size_t text_size_ = 0;
};

std::optional<GtidSet::Uuid> parse_uuid(std::string_view text) noexcept;
std::string print_uuid(const GtidSet::Uuid& uuid);

/// MariaDB's position: the last transaction of each domain, "0-1-42,1-7-9".
class GtidMap {
 public:
  struct Entry {
    std::uint32_t server_id = 0;
    std::uint64_t sequence = 0;
  };
  /// Errors: kInvalidSettings.
  static Result<GtidMap> parse(std::string_view text);
  void set(std::uint32_t domain, std::uint32_t server_id, std::uint64_t sequence) {
    domains_[domain] = {server_id, sequence};
  }
  /// True when a transaction of this number, or a later one, of its domain is already in.
  bool covers(std::uint32_t domain, std::uint64_t sequence) const;
  bool empty() const noexcept { return domains_.empty(); }
  std::string text() const;
  const std::map<std::uint32_t, Entry>& domains() const noexcept { return domains_; }

 private:
  std::map<std::uint32_t, Entry> domains_;
};

/// The number that a transaction of MySQL has, of events GTID and GTID_TAGGED.
struct MysqlGtid {
  bool anonymous = false;
  GtidSet::Uuid uuid{};
  std::string tag;
  std::uint64_t number = 0;
  std::int64_t commit_us = 0;  ///< since 1970; 0: the server does not tell
};
/// GTID and ANONYMOUS_GTID: flags u8, uuid 16, number u64 [, 2 u8, last committed u64, sequence u64 [, commit time 7 bytes of µs,
/// …]]. nullopt: cut short.
std::optional<MysqlGtid> parse_mysql_gtid(std::string_view body, bool anonymous);
/// GTID_TAGGED: MySQL's "serialization" library: version, size, last field that must be known, then (field, value).
std::optional<MysqlGtid> parse_tagged_gtid(std::string_view body);

/// MariaDB's GTID event: sequence u64, domain u32, flags u8 [, commit id u64] [, XA: format u32, sizes u8 and u8, names] [, more
/// flags u8].
struct MariadbGtid {
  static constexpr std::uint8_t kStandalone = 1;
  static constexpr std::uint8_t kCommitId = 2;
  static constexpr std::uint8_t kTransactional = 4;
  static constexpr std::uint8_t kDdl = 32;
  static constexpr std::uint8_t kPreparedXa = 64;
  static constexpr std::uint8_t kCompletedXa = 128;
  static constexpr std::uint8_t kStartAlter = 2;
  static constexpr std::uint8_t kCommitAlter = 4;
  static constexpr std::uint8_t kRollbackAlter = 8;
  std::uint64_t sequence = 0;
  std::uint32_t domain = 0;
  std::uint32_t server_id = 0;
  std::uint8_t flags = 0;
  std::uint8_t extra_flags = 0;
  std::string xid;  ///< of kPreparedXa and kCompletedXa: as XaName::key
};
std::optional<MariadbGtid> parse_mariadb_gtid(std::string_view body, std::uint32_t server_id);

/// A prepared transaction's name. `key` is the same whichever way the log writes it.
std::string xa_key(std::uint32_t format, std::string_view global, std::string_view branch);

}  // namespace dmskafka::mysql
