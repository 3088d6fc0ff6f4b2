#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dmskafka::mysql {

/// The kinds of events that mean something here. MySQL's manual, "Binary Log Event"; MariaDB's knowledge base, "Replication
/// Protocol". Numbers from 160 on are MariaDB's own.
enum class EventType : std::uint8_t {
  kQuery = 2,
  kStop = 3,
  kRotate = 4,
  kIntvar = 5,
  kLoad = 6,
  kSlave = 7,
  kCreateFile = 8,
  kAppendBlock = 9,
  kExecLoad = 10,
  kDeleteFile = 11,
  kNewLoad = 12,
  kRand = 13,
  kUserVar = 14,
  kFormatDescription = 15,
  kXid = 16,
  kBeginLoadQuery = 17,
  kExecuteLoadQuery = 18,
  kTableMap = 19,
  kWriteRowsV1 = 23,
  kUpdateRowsV1 = 24,
  kDeleteRowsV1 = 25,
  kIncident = 26,
  kHeartbeat = 27,
  kIgnorable = 28,
  kRowsQuery = 29,
  kWriteRows = 30,
  kUpdateRows = 31,
  kDeleteRows = 32,
  kGtid = 33,
  kAnonymousGtid = 34,
  kPreviousGtids = 35,
  kTransactionContext = 36,
  kViewChange = 37,
  kXaPrepare = 38,
  kPartialUpdateRows = 39,
  kTransactionPayload = 40,
  kHeartbeatV2 = 41,
  kGtidTagged = 42,
  kAnnotateRows = 160,
  kBinlogCheckpoint = 161,
  kMariadbGtid = 162,
  kMariadbGtidList = 163,
  kStartEncryption = 164,
  kQueryCompressed = 165,
  kWriteRowsCompressedV1 = 166,
  kUpdateRowsCompressedV1 = 167,
  kDeleteRowsCompressedV1 = 168,
  kWriteRowsCompressed = 169,
  kUpdateRowsCompressed = 170,
  kDeleteRowsCompressed = 171,
};

enum class Checksum : std::uint8_t { kNone = 0, kCrc32 = 1 };

/// The first 19 bytes of every event:
///   timestamp u32 (s), type u8, server_id u32, length u32 (header included), next_pos u32, flags u16
struct EventHeader {
  static constexpr std::size_t kSize = 19;
  static constexpr std::uint16_t kInUse = 0x01;
  static constexpr std::uint16_t kArtificial = 0x20;  ///< made by the sender, not in the file
  static constexpr std::uint16_t kIgnorable = 0x80;

  std::uint32_t timestamp = 0;
  std::uint8_t type = 0;  ///< EventType, or a number that we do not know
  std::uint32_t server_id = 0;
  std::uint32_t length = 0;
  std::uint32_t next_position = 0;  ///< modulo 2^32; 0: not told
  std::uint16_t flags = 0;

  EventType kind() const noexcept { return static_cast<EventType>(type); }
  bool artificial() const noexcept { return (flags & kArtificial) != 0; }
};

/// REQUIRES: at least EventHeader::kSize bytes.
EventHeader parse_event_header(std::string_view event) noexcept;

/// FORMAT_DESCRIPTION: version u16, server version 50 bytes, created u32, header length u8, a byte for each event type (the size of
/// what stands between header and body), checksum algorithm u8, checksum u32.
struct FormatDescription {
  std::string server_version;
  std::uint32_t created = 0;  ///< when the server started, in the file that it started with; else 0
  Checksum checksum = Checksum::kNone;
  bool mariadb = false;
  std::uint8_t table_map_header = 8;  ///< 6: table ids have four bytes
  std::uint8_t rows_header_v1 = 8;
  std::uint8_t rows_header_v2 = 10;
  bool short_table_ids() const noexcept { return table_map_header == 6; }
};

/// `event` is whole, its header and checksum included. Errors: kSourceRejected.
Result<FormatDescription> parse_format_description(std::string_view event);

/// Whether the last four bytes are the CRC32 of those before.
bool checksum_holds(std::string_view event) noexcept;

/// Of an event that cannot be read: which, where and why.
Error unreadable_event(std::string_view what, std::string_view file, std::uint64_t offset);

/// "WRITE_ROWS", or "event 77".
std::string event_type_name(std::uint8_t type);

}  // namespace dmskafka::mysql
