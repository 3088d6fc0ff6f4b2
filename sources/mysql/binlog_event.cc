#include "sources/mysql/binlog_event.h"

#include <fmt/format.h>
#include <libdeflate.h>

#include <cstring>

#include "sources/mysql/event_reader.h"

namespace dmskafka::mysql {
namespace {

constexpr std::size_t kChecksumSize = 4;
constexpr std::size_t kFixedFormat = 2 + 50 + 4 + 1;
constexpr std::size_t kFlagsOffset = 17;

}  // namespace

EventHeader parse_event_header(std::string_view event) noexcept {
  EventReader reader(event);
  EventHeader header;
  header.timestamp = reader.u32();
  header.type = reader.u8();
  header.server_id = reader.u32();
  header.length = reader.u32();
  header.next_position = reader.u32();
  header.flags = reader.u16();
  return header;
}

bool checksum_holds(std::string_view event) noexcept {
  if (event.size() < EventHeader::kSize + kChecksumSize) return false;
  const std::size_t size = event.size() - kChecksumSize;
  std::uint32_t stored = 0;
  std::memcpy(&stored, event.data() + size, kChecksumSize);
  const auto crc = [](std::uint32_t before, std::string_view bytes) {
    return libdeflate_crc32(before, bytes.data(), bytes.size());
  };
  const EventHeader header = parse_event_header(event);
  if (header.kind() != EventType::kFormatDescription) return crc(0, event.substr(0, size)) == stored;
  // While the server writes to a file, its first event has a flag that is not part of the sum.
  std::array<char, EventHeader::kSize> head{};
  std::memcpy(head.data(), event.data(), head.size());
  head[kFlagsOffset] = static_cast<char>(head[kFlagsOffset] & ~EventHeader::kInUse);
  return crc(crc(0, {head.data(), head.size()}), event.substr(head.size(), size - head.size())) == stored;
}

Result<FormatDescription> parse_format_description(std::string_view event) {
  const auto refused = [](std::string_view why) {
    return Error(ErrorCode::kSourceRejected, fmt::format("the description of the binlog's format {}", why));
  };
  if (event.size() < EventHeader::kSize + kFixedFormat + 1 + kChecksumSize) return refused("is cut short");
  EventReader reader(event.substr(EventHeader::kSize));
  const std::uint16_t version = reader.u16();
  if (version != 4) return refused(fmt::format("says version {}; 4 is known", version));
  FormatDescription format;
  const std::string_view server = reader.bytes(50);
  format.server_version = std::string(server.substr(0, std::min(server.find('\0'), server.size())));
  format.mariadb = format.server_version.find("MariaDB") != std::string::npos;
  format.created = reader.u32();
  if (reader.u8() != EventHeader::kSize) return refused("says another size of headers than 19");
  // The servers that this program reads (5.7, 10.5 and later) all write an algorithm and a checksum here.
  const std::string_view sizes = reader.bytes(reader.left() - 1 - kChecksumSize);
  const std::uint8_t algorithm = reader.u8();
  if (algorithm > 1)
    return refused(fmt::format("says the checksum algorithm {}; 0 and 1 are known", algorithm));
  format.checksum = static_cast<Checksum>(algorithm);
  const auto size_of = [&](EventType type, std::uint8_t usual) {
    const std::size_t index = static_cast<std::size_t>(type) - 1;
    return index < sizes.size() ? static_cast<std::uint8_t>(sizes[index]) : usual;
  };
  format.table_map_header = size_of(EventType::kTableMap, 8);
  format.rows_header_v1 = size_of(EventType::kWriteRowsV1, 8);
  format.rows_header_v2 = size_of(EventType::kWriteRows, 10);
  const bool sane = (format.table_map_header == 6 || format.table_map_header == 8) &&
                    format.rows_header_v1 == format.table_map_header &&
                    (format.rows_header_v2 == 10 || format.rows_header_v2 == 0);
  if (!sane) return refused("says sizes of row events that are not known");
  if (format.checksum == Checksum::kCrc32 && !checksum_holds(event)) return refused("has a wrong checksum");
  return format;
}

Error unreadable_event(std::string_view what, std::string_view file, std::uint64_t offset) {
  return Error(ErrorCode::kSourceRejected,
               fmt::format("binlog {}:{}: {}", file.empty() ? "?" : file, offset, what));
}

std::string event_type_name(std::uint8_t type) {
  switch (static_cast<EventType>(type)) {
    case EventType::kQuery: return "QUERY";
    case EventType::kStop: return "STOP";
    case EventType::kRotate: return "ROTATE";
    case EventType::kIntvar: return "INTVAR";
    case EventType::kLoad: return "LOAD";
    case EventType::kSlave: return "SLAVE";
    case EventType::kCreateFile: return "CREATE_FILE";
    case EventType::kAppendBlock: return "APPEND_BLOCK";
    case EventType::kExecLoad: return "EXEC_LOAD";
    case EventType::kDeleteFile: return "DELETE_FILE";
    case EventType::kNewLoad: return "NEW_LOAD";
    case EventType::kRand: return "RAND";
    case EventType::kUserVar: return "USER_VAR";
    case EventType::kFormatDescription: return "FORMAT_DESCRIPTION";
    case EventType::kXid: return "XID";
    case EventType::kBeginLoadQuery: return "BEGIN_LOAD_QUERY";
    case EventType::kExecuteLoadQuery: return "EXECUTE_LOAD_QUERY";
    case EventType::kTableMap: return "TABLE_MAP";
    case EventType::kWriteRowsV1:
    case EventType::kWriteRows: return "WRITE_ROWS";
    case EventType::kUpdateRowsV1:
    case EventType::kUpdateRows: return "UPDATE_ROWS";
    case EventType::kDeleteRowsV1:
    case EventType::kDeleteRows: return "DELETE_ROWS";
    case EventType::kIncident: return "INCIDENT";
    case EventType::kHeartbeat:
    case EventType::kHeartbeatV2: return "HEARTBEAT";
    case EventType::kIgnorable: return "IGNORABLE";
    case EventType::kRowsQuery: return "ROWS_QUERY";
    case EventType::kGtid:
    case EventType::kMariadbGtid: return "GTID";
    case EventType::kAnonymousGtid: return "ANONYMOUS_GTID";
    case EventType::kPreviousGtids: return "PREVIOUS_GTIDS";
    case EventType::kTransactionContext: return "TRANSACTION_CONTEXT";
    case EventType::kViewChange: return "VIEW_CHANGE";
    case EventType::kXaPrepare: return "XA_PREPARE";
    case EventType::kPartialUpdateRows: return "PARTIAL_UPDATE_ROWS";
    case EventType::kTransactionPayload: return "TRANSACTION_PAYLOAD";
    case EventType::kGtidTagged: return "GTID_TAGGED";
    case EventType::kAnnotateRows: return "ANNOTATE_ROWS";
    case EventType::kBinlogCheckpoint: return "BINLOG_CHECKPOINT";
    case EventType::kMariadbGtidList: return "GTID_LIST";
    case EventType::kStartEncryption: return "START_ENCRYPTION";
    case EventType::kQueryCompressed: return "QUERY_COMPRESSED";
    case EventType::kWriteRowsCompressedV1:
    case EventType::kWriteRowsCompressed: return "WRITE_ROWS_COMPRESSED";
    case EventType::kUpdateRowsCompressedV1:
    case EventType::kUpdateRowsCompressed: return "UPDATE_ROWS_COMPRESSED";
    case EventType::kDeleteRowsCompressedV1:
    case EventType::kDeleteRowsCompressed: return "DELETE_ROWS_COMPRESSED";
  }
  return fmt::format("event {}", type);
}

}  // namespace dmskafka::mysql
