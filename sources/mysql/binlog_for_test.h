#pragma once
#include <fmt/format.h>
#include <zlib.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sources/mysql/binlog_decoder.h"
#include "sources/mysql/followed_tables.h"
#include "test/support/typed_bytes.h"

namespace dmskafka::mysql {

inline std::string little_endian(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFFU);
  return bytes;
}

/// Builds the events of a binary log one after the other, each at its place.
class LogBuilder {
 public:
  explicit LogBuilder(bool checksums = true) : checksums_(checksums) {}

  std::uint64_t offset = 4;
  std::uint32_t timestamp = 1'700'000'000;
  bool tells_positions = true;

  std::string event(EventType type, std::string_view body, std::uint16_t flags = 0) {
    const std::size_t size = EventHeader::kSize + body.size() + (has_checksum(type) ? 4 : 0);
    const bool in_file = (flags & EventHeader::kArtificial) == 0;
    if (in_file) offset += size;
    std::string bytes = little_endian(timestamp, 4) + static_cast<char>(type) + little_endian(1, 4) +
                        little_endian(size, 4) + little_endian(in_file && tells_positions ? offset : 0, 4) +
                        little_endian(flags, 2) + std::string(body);
    if (has_checksum(type)) bytes += checksum_of(bytes);
    return bytes;
  }
  static std::string checksum_of(std::string_view bytes) {
    return little_endian(
        crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())), 4);
  }

  /// Post-header sizes of MySQL 8.0, as its own FORMAT_DESCRIPTION has them.
  std::string format(std::string_view server = "8.0.31") {
    std::string version(server);
    version.resize(50, '\0');
    const std::string sizes = typed_bytes(
        "38 0D 00 08 00 12 00 04 04 04 04 12 00 00 5F 00 04 1A 08 00 00 00 08 08 08 02 00 00 00 0A 0A 0A 2A "
        "2A 00 12 34 "
        "00 0A 28 00");
    return event(EventType::kFormatDescription, little_endian(4, 2) + version + little_endian(timestamp, 4) +
                                                    typed_bytes("13") + sizes +
                                                    (checksums_ ? "\x01" : std::string(1, '\0')));
  }
  std::string query(std::string_view text, std::string_view database = "db") {
    std::string body = little_endian(7, 4) + little_endian(0, 4) + static_cast<char>(database.size()) +
                       little_endian(0, 2) + little_endian(0, 2) + std::string(database) + '\0' +
                       std::string(text);
    return event(EventType::kQuery, body);
  }
  std::string gtid(std::uint64_t number) {
    return event(EventType::kGtid, typed_bytes("00 3e11fa4771ca11e19e33c80aa9429562") +
                                       little_endian(number, 8) +
                                       typed_bytes("02 0000000000000000 0100000000000000"));
  }
  std::string mariadb_gtid(std::uint64_t sequence, std::uint8_t flags) {
    return event(EventType::kMariadbGtid, little_endian(sequence, 8) + little_endian(0, 4) +
                                              static_cast<char>(flags) + std::string(6, '\0'));
  }
  std::string xid() { return event(EventType::kXid, little_endian(77, 8)); }
  std::string rotate(std::string_view file, std::uint64_t position, std::uint16_t flags = 0) {
    return event(EventType::kRotate, little_endian(position, 8) + std::string(file), flags);
  }
  /// db.t (id INT, name VARCHAR(20) of utf8mb4), id the key, with all metadata.
  std::string table_map(std::string_view table = "t") {
    return event(EventType::kTableMap, little_endian(9, 6) + little_endian(1, 2) + typed_bytes("02 'db' 00") +
                                           static_cast<char>(table.size()) + std::string(table) + '\0' +
                                           typed_bytes("02 03 0F 02 5000 02"
                                                       "01 01 00 02 01 2D 04 08 02 'id' 04 'name' 08 01 00"));
  }
  std::string rows(EventType type, std::string_view typed_rows, std::uint64_t table = 9) {
    const bool update = type == EventType::kUpdateRows || type == EventType::kUpdateRowsV1;
    const bool first = type == EventType::kWriteRowsV1 || type == EventType::kUpdateRowsV1 ||
                       type == EventType::kDeleteRowsV1;
    return event(type, little_endian(table, 6) + little_endian(1, 2) + (first ? "" : little_endian(2, 2)) +
                           typed_bytes(update ? "02 FF FF" : "02 FF") + typed_bytes(typed_rows));
  }

 private:
  bool has_checksum(EventType type) const { return checksums_ || type == EventType::kFormatDescription; }
  bool checksums_;
};

/// The catalogue of a test.
class FakeDescriber : public TableDescriber {
 public:
  Result<std::optional<TableSchema>> describe(const TableName& name) override {
    ++asked;
    const auto found = tables.find(name);
    if (found == tables.end()) return std::optional<TableSchema>();
    return std::optional<TableSchema>(found->second);
  }
  std::map<TableName, TableSchema> tables;
  int asked = 0;
};

inline std::string row_text(RowView row) {
  std::string text;
  for (const Value& value : row) {
    if (!text.empty()) text += ',';
    switch (value.form()) {
      case ValueForm::kAbsent: text += '-'; break;
      case ValueForm::kNull: text += "NULL"; break;
      default: text += value.view();
    }
  }
  return text;
}

/// All that a batch says, on one line.
inline std::string batch_text(const LogBatch& batch) {
  std::string all;
  for (const LogEvent& event : batch.events()) {
    switch (event.kind) {
      case LogEventKind::kChanges:
        for (const Change& change :
             batch.rows().changes().subspan(event.changes_begin, event.changes_count)) {
          all += fmt::format("{} {} [{}] [{}]; ", "LIUD"[static_cast<std::size_t>(change.operation)],
                             change.table->name.text(), row_text(change.before), row_text(change.after));
        }
        break;
      case LogEventKind::kCommit: all += "commit " + event.position.text + "; "; break;
      case LogEventKind::kTable: all += "table " + event.schema->name.text() + "; "; break;
      case LogEventKind::kTruncate: all += "truncate " + event.schema->name.text() + "; "; break;
      case LogEventKind::kRenameTable:
        all += "rename " + event.old_schema->name.text() + " " + event.schema->name.text() + "; ";
        break;
      case LogEventKind::kDropTable: all += "drop " + event.schema->name.text() + "; "; break;
      case LogEventKind::kIdle: all += "idle " + event.position.text + "; "; break;
    }
  }
  return all;
}

/// A column of a test's catalogue.
inline ColumnSchema declared(std::string name, std::string type, std::string collation = "",
                             bool nullable = true) {
  ColumnSchema column;
  column.name = std::move(name);
  column.source_type = std::move(type);
  column.collation = std::move(collation);
  column.nullable = nullable;
  return column;
}

inline std::shared_ptr<const TableSchema> table_t(std::string table = "t") {
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"db", std::move(table)};
  schema->columns = {declared("id", "int(11)", "", false),
                     declared("name", "varchar(20)", "utf8mb4_general_ci")};
  schema->primary_key = {0};
  return schema;
}

/// Decodes events into one batch.
struct Decoding {
  explicit Decoding(BinlogDecoder::Options options = {}, FollowedTables::Schemas known = {table_t()})
      : tables(known, {}, options.from.flavour, describer) {
    if (options.from.file.empty()) options.from.file = "bin.000001";
    decoder = std::move(BinlogDecoder::make(tables, options)).value();
  }
  /// The error's text, "" when there is none.
  std::string feed(const std::vector<std::string>& events) {
    for (const std::string& event : events) {
      // In memory of its own, so that a sanitizer sees a read past its end.
      const std::vector<char> copy(event.begin(), event.end());
      auto decoded = decoder->decode({copy.data(), copy.size()}, batch);
      while (decoded && decoder->pending()) decoded = decoder->resume(batch);
      if (!decoded) return decoded.error().message();
    }
    return "";
  }
  std::string text() const { return batch_text(batch); }

  FakeDescriber describer;
  FollowedTables tables;
  std::unique_ptr<BinlogDecoder> decoder;
  LogBatch batch;
};

}  // namespace dmskafka::mysql
