#include "sources/mysql/gtid.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "sources/mysql/event_reader.h"

namespace dmskafka::mysql {
namespace {

constexpr std::size_t kTagMax = 32;
constexpr std::size_t kIntervalsMax = 1'000'000;

std::optional<std::uint64_t> whole_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::string without_blanks(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return plain;
}

std::string_view take_part(std::string_view& text, char separator) noexcept {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_tag(std::string_view text) noexcept {
  if (text.empty() || text.size() > kTagMax || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

void put(std::string& out, std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift & 0xFFU);
}

Error no_set(std::string_view text) {
  return Error(ErrorCode::kInvalidSettings, fmt::format("\"{}\" is no GTID set", text))
      .expected("UUID:1-5:7,UUID:1-3");
}

}  // namespace

std::optional<GtidSet::Uuid> parse_uuid(std::string_view text) noexcept {
  GtidSet::Uuid uuid{};
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int digit = hex_digit(c);
    if (digit < 0 || digits == 32) return std::nullopt;
    const unsigned before = uuid[digits / 2];
    uuid[digits / 2] = static_cast<std::uint8_t>(before << 4U | static_cast<unsigned>(digit));
    ++digits;
  }
  if (digits != 32) return std::nullopt;
  return uuid;
}

std::string print_uuid(const GtidSet::Uuid& uuid) {
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", uuid[i]);
  }
  return text;
}

Result<void> GtidSet::parse_source(std::string_view text, GtidSet& set) {
  const std::string_view whole = text;
  const auto uuid = parse_uuid(take_part(text, ':'));
  if (!uuid || text.empty()) return no_set(whole);
  std::string tag;
  bool any = false;
  while (!text.empty()) {
    std::string_view interval = take_part(text, ':');
    if (is_tag(interval)) {
      tag = interval;
      continue;
    }
    const auto first = whole_number(take_part(interval, '-'));
    const auto last = interval.empty() ? first : whole_number(interval);
    if (!first || !last || *first == 0) return no_set(whole);
    any = true;
    if (*last >= *first) set.add_range(*uuid, tag, *first, *last);  // the servers take 5-4 as nothing, too
  }
  if (!any) return no_set(whole);
  return {};
}

Result<GtidSet> GtidSet::parse(std::string_view text) {
  const std::string plain = without_blanks(text);
  std::string_view left = plain;
  GtidSet set;
  while (!left.empty()) {
    const std::string_view source = take_part(left, ',');
    if (source.empty()) continue;
    DMSKAFKA_TRY(parse_source(source, set));
  }
  return set;
}

Result<GtidSet> GtidSet::parse_binary(std::string_view bytes) {
  GtidSet set;
  EventReader reader(bytes);
  const std::uint64_t head = reader.u64();
  // Since 8.3 a set with tags says so in its first and last byte, with the number of servers between.
  const bool tagged = (head >> 56U) == 1;
  const std::uint64_t sources = tagged ? head >> 8U & 0xFFFF'FFFF'FFFFULL : head;
  std::size_t intervals_in_all = 0;
  for (std::uint64_t i = 0; i < sources && reader.ok(); ++i) {
    Uuid uuid{};
    std::ranges::copy(reader.bytes(uuid.size()), uuid.begin());
    std::string tag;
    if (tagged) tag = std::string(reader.bytes(reader.u8() >> 1U));
    const std::uint64_t intervals = reader.u64();
    for (std::uint64_t j = 0; j < intervals && reader.ok(); ++j) {
      const std::uint64_t first = reader.u64();
      const std::uint64_t behind = reader.u64();
      if (!reader.ok() || first == 0 || behind <= first || ++intervals_in_all > kIntervalsMax) {
        return Error(ErrorCode::kSourceRejected, "a set of GTIDs in the binlog cannot be read");
      }
      set.add_range(uuid, tag, first, behind - 1);
    }
  }
  if (!reader.ok()) return Error(ErrorCode::kSourceRejected, "a set of GTIDs in the binlog is cut short");
  return set;
}

void GtidSet::add_range(const Uuid& uuid, std::string_view tag, std::uint64_t first, std::uint64_t last) {
  const auto [source, added] = sources_.try_emplace({uuid, std::string(tag)});
  if (added) {
    source->second.name = print_uuid(uuid);
    if (!tag.empty()) source->second.name += ":" + std::string(tag);
  }
  auto& intervals = source->second.intervals;
  source->second.printed.clear();
  auto next = intervals.upper_bound(first);
  if (next != intervals.begin()) {
    const auto before = std::prev(next);
    if (before->second >= first - 1) {  // touches or overlaps
      if (before->second >= last) return;
      first = before->first;
      next = intervals.erase(before);
    }
  }
  while (next != intervals.end() && next->first <= (last == UINT64_MAX ? last : last + 1)) {
    last = std::max(last, next->second);
    next = intervals.erase(next);
  }
  intervals.emplace_hint(next, first, last);
}

bool GtidSet::contains(const Uuid& uuid, std::string_view tag, std::uint64_t number) const {
  const auto source = sources_.find({uuid, std::string(tag)});
  if (source == sources_.end()) return false;
  const auto next = source->second.intervals.upper_bound(number);
  return next != source->second.intervals.begin() && std::prev(next)->second >= number;
}

std::string GtidSet::text() const {
  std::string all;
  all.reserve(text_size_);
  for (const auto& [key, source] : sources_) {
    if (source.printed.empty()) {
      source.printed = source.name;
      for (const auto& [first, last] : source.intervals) {
        fmt::format_to(std::back_inserter(source.printed), ":{}", first);
        if (last != first) fmt::format_to(std::back_inserter(source.printed), "-{}", last);
      }
    }
    if (!all.empty()) all += ',';
    all += source.printed;
  }
  text_size_ = all.size();
  return all;
}

std::string GtidSet::binary() const {
  const bool tagged =
      std::ranges::any_of(sources_, [](const auto& source) { return !source.first.second.empty(); });
  std::string bytes;
  put(bytes, tagged ? std::uint64_t{1} | sources_.size() << 8U | std::uint64_t{1} << 56U : sources_.size());
  for (const auto& [key, source] : sources_) {
    for (const std::uint8_t byte : key.first) bytes += static_cast<char>(byte);
    if (tagged) {
      bytes += static_cast<char>(key.second.size() << 1U);
      bytes += key.second;
    }
    put(bytes, source.intervals.size());
    for (const auto& [first, last] : source.intervals) {
      put(bytes, first);
      put(bytes, last + 1);
    }
  }
  return bytes;
}

Result<GtidMap> GtidMap::parse(std::string_view text) {
  const std::string plain = without_blanks(text);
  std::string_view left = plain;
  GtidMap map;
  while (!left.empty()) {
    std::string_view entry = take_part(left, ',');
    if (entry.empty()) continue;
    const std::string_view whole = entry;
    const auto domain = whole_number(take_part(entry, '-'));
    const auto server = whole_number(take_part(entry, '-'));
    const auto sequence = whole_number(entry);
    if (!domain || !server || !sequence || *domain > UINT32_MAX || *server > UINT32_MAX) {
      return Error(ErrorCode::kInvalidSettings, fmt::format("\"{}\" is no GTID", whole))
          .expected("DOMAIN-SERVER-SEQUENCE: 0-1-42");
    }
    map.set(static_cast<std::uint32_t>(*domain), static_cast<std::uint32_t>(*server), *sequence);
  }
  return map;
}

bool GtidMap::covers(std::uint32_t domain, std::uint64_t sequence) const {
  const auto found = domains_.find(domain);
  return found != domains_.end() && found->second.sequence >= sequence;
}

std::string GtidMap::text() const {
  std::string all;
  for (const auto& [domain, entry] : domains_) {
    if (!all.empty()) all += ',';
    all.append(std::to_string(domain)).append("-").append(std::to_string(entry.server_id)).append("-");
    all.append(std::to_string(entry.sequence));
  }
  return all;
}

std::optional<MysqlGtid> parse_mysql_gtid(std::string_view body, bool anonymous) {
  EventReader reader(body);
  MysqlGtid gtid;
  gtid.anonymous = anonymous;
  (void)reader.u8();
  std::ranges::copy(reader.bytes(gtid.uuid.size()), gtid.uuid.begin());
  gtid.number = reader.u64();
  if (!reader.ok()) return std::nullopt;
  if (!anonymous && (gtid.number == 0 || gtid.number >> 63U != 0)) return std::nullopt;
  if (reader.left() < 17 || reader.u8() != 2) return gtid;
  (void)reader.bytes(16);
  if (reader.left() < 7) return gtid;
  const std::uint64_t commit = reader.little_endian(7);
  gtid.commit_us = static_cast<std::int64_t>(commit & ~(std::uint64_t{1} << 55U));
  return gtid;
}

namespace {

/// The number of one bits at the end of the first byte is the number of bytes that follow.
std::uint64_t serialized_number(EventReader& reader) noexcept {
  const std::uint8_t first = reader.u8();
  unsigned more = 0;
  while (more < 8 && (first >> more & 1U) != 0) ++more;
  if (more == 8) return reader.u64();
  const std::uint64_t rest = reader.little_endian(more);
  // The bits above the zero bit are the value's lowest; with seven bytes more none are left in the first.
  const unsigned kept = 7 - more;
  return rest << kept | (more == 7 ? 0U : static_cast<std::uint64_t>(first) >> (more + 1));
}

std::int64_t serialized_signed(EventReader& reader) noexcept {
  const std::uint64_t value = serialized_number(reader);
  return static_cast<std::int64_t>(value >> 1U ^ (~(value & 1U) + 1));
}

enum TaggedField : std::uint8_t { kFlags, kUuid, kNumber, kTag, kLastCommitted, kSequence, kCommitTime };

}  // namespace

std::optional<MysqlGtid> parse_tagged_gtid(std::string_view body) {
  EventReader reader(body);
  MysqlGtid gtid;
  (void)serialized_number(reader);  // version
  (void)serialized_number(reader);  // size
  (void)serialized_number(reader);  // the last field that a reader must know: all that we need are before it
  bool has_number = false;
  while (reader.left() > 0 && reader.ok()) {
    const std::uint64_t field = serialized_number(reader);
    switch (field) {
      case kFlags: (void)serialized_number(reader); break;
      case kUuid:
        for (std::uint8_t& byte : gtid.uuid) byte = static_cast<std::uint8_t>(serialized_number(reader));
        break;
      case kNumber:
        gtid.number = static_cast<std::uint64_t>(serialized_signed(reader));
        has_number = true;
        break;
      case kTag: gtid.tag = std::string(reader.bytes(serialized_number(reader))); break;
      case kLastCommitted:
      case kSequence: (void)serialized_signed(reader); break;
      case kCommitTime: gtid.commit_us = static_cast<std::int64_t>(serialized_number(reader)); break;
      default: reader.bytes(reader.left()); break;  // nothing that we need stands behind
    }
  }
  const bool good = reader.ok() && has_number && gtid.number != 0 && gtid.number >> 63U == 0;
  if (!good || (!gtid.tag.empty() && !is_tag(gtid.tag))) return std::nullopt;
  return gtid;
}

std::optional<MariadbGtid> parse_mariadb_gtid(std::string_view body, std::uint32_t server_id) {
  EventReader reader(body);
  MariadbGtid gtid;
  gtid.server_id = server_id;
  gtid.sequence = reader.u64();
  gtid.domain = reader.u32();
  gtid.flags = reader.u8();
  if ((gtid.flags & MariadbGtid::kCommitId) != 0) (void)reader.u64();
  if ((gtid.flags & (MariadbGtid::kPreparedXa | MariadbGtid::kCompletedXa)) != 0) {
    const std::uint32_t format = reader.u32();
    const std::uint8_t global = reader.u8();
    const std::uint8_t branch = reader.u8();
    const std::string_view global_name = reader.bytes(global);
    gtid.xid = xa_key(format, global_name, reader.bytes(branch));
  }
  if (!reader.ok()) return std::nullopt;
  // Where there is nothing more, zeros fill the event up to 19 bytes.
  if (reader.left() > 0) gtid.extra_flags = reader.u8();
  return gtid;
}

std::string xa_key(std::uint32_t format, std::string_view global, std::string_view branch) {
  const auto hex = [](std::string_view bytes) {
    std::string text;
    for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return text;
  };
  return fmt::format("X'{}',X'{}',{}", hex(global), hex(branch), format);
}

}  // namespace dmskafka::mysql
