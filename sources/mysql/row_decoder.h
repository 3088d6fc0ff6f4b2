#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/byte_buffer.h"
#include "core/base/change.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/mysql/charset.h"
#include "sources/mysql/event_reader.h"
#include "sources/mysql/table_map.h"

namespace dmskafka::mysql {

/// How one column of the log becomes the value of a column of the schema.
struct ColumnPlan {
  enum class Codec : std::uint8_t {
    kInteger,
    kFloat,
    kDouble,
    kDecimal,
    kYear,
    kDate,
    kTime2,
    kDatetime2,
    kTimestamp2,
    kOldTime,
    kOldDatetime,
    kOldTimestamp,
    kBoolean,  ///< BIT(1)
    kBits,
    kText,
    kBytes,
    kPaddedBytes,  ///< BINARY(n), whose zeros at the end are not in the log
    kCompressed,
    kCompressedText,
    kEnum,
    kSet,
    kJson,
    kUuid,
    kInet4,
    kInet6,
  };
  static constexpr std::uint32_t kNoColumn = UINT32_MAX;

  Codec codec = Codec::kInteger;
  bool is_unsigned = false;
  std::uint8_t size = 0;                ///< bytes of the value, or of the length before it
  std::uint32_t meta = 0;               ///< as MappedColumn::meta
  std::uint32_t to = kNoColumn;         ///< the schema's column
  CharsetConverter* charset = nullptr;  ///< null: bytes are UTF-8 already, or no text
  const std::vector<std::string>* labels = nullptr;
};

/// How the rows of one TABLE_MAP become rows of one schema. Thread: the decoder's.
struct RowPlan {
  std::shared_ptr<const TableSchema> schema;
  std::vector<ColumnPlan> columns;  ///< in the log's order
  std::vector<std::unique_ptr<CharsetConverter>> converters;
  std::vector<std::unique_ptr<std::vector<std::string>>> labels;
  std::size_t json_columns = 0;
  /// MariaDB's system versioning: the log's column that says until when a row was valid; kNoColumn: the table has none.
  std::uint32_t row_end = ColumnPlan::kNoColumn;

  /// `column_of` says for each column of the log which of the schema's it is. REQUIRES: labels_to_utf8(map). Errors: kSourceRejected (a type or a character set that
  /// cannot be read, by the column's name).
  static Result<std::shared_ptr<RowPlan>> make(const TableMap& map, std::shared_ptr<const TableSchema> schema,
                                               std::span<const std::uint32_t> column_of);
};

/// Text that belongs to the rows of one batch. Thread: one at a time.
class TextSpace {
 public:
  /// REQUIRED before the first row that goes into another (or a cleared) batch.
  void forget() noexcept { at_ = end_ = nullptr; }
  /// Room for `size` bytes of text, of which take() keeps some.
  char* room(ChangeBatch& batch, std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) {
      const std::size_t chunk = size > kChunk / 4 ? size : kChunk;
      at_ = batch.allocate_bytes(chunk);
      end_ = at_ + chunk;
    }
    return at_;
  }
  std::string_view take(const char* end) noexcept {
    const std::string_view text(at_, static_cast<std::size_t>(end - at_));
    at_ += text.size();
    return text;
  }

 private:
  static constexpr std::size_t kChunk = 16 * 1024;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

/// Reads row images. Thread: one at a time.
class RowDecoder {
 public:
  void start_batch() noexcept { space_.forget(); }

  /// What is read of an image beside its values.
  struct Image {
    std::vector<std::string_view> json;     ///< binary JSON by the log's column, where `keep_json`
    std::string_view row_end;               ///< the bytes of RowPlan::row_end
    std::vector<std::string_view> encoded;  ///< each value by the log's column; {}: null, or not there
  };
  /// The old row of an update, read before. What did not change since is not read twice.
  struct Before {
    const Image& image;
    std::span<const Value> values;
    std::optional<BitmapView>
        diffs;  ///< a bit for each JSON column of the table: what changed in it stands for it
  };

  /// Reads one image (null bits, then the values of the columns that are `present`) into `values`, one for each column of the
  /// schema, views into the batch or the event. Errors: kSourceRejected, which says the column; the caller adds the place.
  Result<void> read_image(EventReader& reader, const RowPlan& plan, BitmapView present,
                          std::span<Value> values, ChangeBatch& batch, Image& image,
                          const Before* before = nullptr);

 private:
  bool read_json_column(EventReader& reader, std::size_t i, const ColumnPlan& column, ChangeBatch& batch,
                        Image& image, const Image* before, Value& value);
  bool read_value(EventReader& reader, const ColumnPlan& column, ChangeBatch& batch, Value& value);
  bool read_sized(EventReader& reader, const ColumnPlan& column, ChangeBatch& batch, Value& value);
  bool read_json(std::string_view binary, ChangeBatch& batch, Value& value);
  bool read_json_diffs(std::string_view diffs, std::string_view before, ChangeBatch& batch, Value& value);
  bool write_text(const ColumnPlan& column, std::string_view bytes, ChangeBatch& batch, Value& value);
  bool write_labels(const ColumnPlan& column, std::uint64_t bits, ChangeBatch& batch, Value& value);
  bool expand(std::string_view bytes);

  TextSpace space_;
  ByteBuffer scratch_;
};

/// zlib's data of exactly `size` bytes; `raw`: without zlib's header. False: it is none.
bool inflate_to(std::string_view compressed, bool raw, char* out, std::size_t size) noexcept;

}  // namespace dmskafka::mysql
