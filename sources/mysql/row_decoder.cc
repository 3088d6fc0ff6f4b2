#include "sources/mysql/row_decoder.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "sources/mysql/binlog_values.h"
#include "sources/mysql/canonical_text.h"
#include "sources/mysql/column_layout.h"
#include "sources/mysql/json_binary.h"

namespace dmskafka::mysql {
namespace {

using Codec = ColumnPlan::Codec;

std::uint8_t length_size(std::uint32_t bytes_max) noexcept { return bytes_max < 256 ? 1 : 2; }

/// The character set of a column: as the log tells it, else as it is declared. "": it holds bytes.
std::string_view charset_of(const MappedColumn& logged, const ColumnSchema& declared) noexcept {
  if (logged.collation) {
    if (*logged.collation == kBinaryCollation) return {};
    const std::string_view charset = charset_of_collation(*logged.collation);
    if (!charset.empty()) return charset;
  }
  const std::string_view charset = charset_of_collation_name(declared.collation);
  return charset == "binary" ? std::string_view() : charset;
}

class PlanMaker {
 public:
  PlanMaker(RowPlan& plan, const MappedColumn& logged, const ColumnSchema& declared)
      : plan_(plan), logged_(logged), declared_(declared) {}

  Result<ColumnPlan> make() {
    column_.meta = logged_.meta;
    switch (logged_.type) {
      case BinlogType::kTiny: return integer(1);
      case BinlogType::kShort: return integer(2);
      case BinlogType::kInt24: return integer(3);
      case BinlogType::kLong: return integer(4);
      case BinlogType::kLongLong: return integer(8);
      case BinlogType::kFloat: return fixed(Codec::kFloat, 4);
      case BinlogType::kDouble: return fixed(Codec::kDouble, 8);
      case BinlogType::kNewDecimal:
        return fixed(Codec::kDecimal, decimal_size(logged_.meta >> 8U, logged_.meta & 0xFFU));
      case BinlogType::kYear: return fixed(Codec::kYear, 1);
      case BinlogType::kDate:
      case BinlogType::kNewDate: return fixed(Codec::kDate, 3);
      case BinlogType::kTime2: return fixed(Codec::kTime2, 3 + fraction_size(logged_.meta));
      case BinlogType::kDatetime2: return fixed(Codec::kDatetime2, 5 + fraction_size(logged_.meta));
      case BinlogType::kTimestamp2: return fixed(Codec::kTimestamp2, 4 + fraction_size(logged_.meta));
      case BinlogType::kTime: return old_time(Codec::kOldTime, 3);
      case BinlogType::kDatetime: return old_time(Codec::kOldDatetime, 8);
      case BinlogType::kTimestamp: return old_time(Codec::kOldTimestamp, 4);
      case BinlogType::kBit:
        return fixed(logged_.meta == 1 ? Codec::kBoolean : Codec::kBits, (logged_.meta + 7) / 8);
      case BinlogType::kString: return string();
      case BinlogType::kVarchar:
      case BinlogType::kVarString: return sized(Codec::kText, Codec::kBytes, length_size(logged_.meta));
      case BinlogType::kTinyBlob:
      case BinlogType::kMediumBlob:
      case BinlogType::kLongBlob:
      case BinlogType::kBlob:
        return sized(Codec::kText, Codec::kBytes, static_cast<std::uint8_t>(logged_.meta));
      case BinlogType::kBlobCompressed:
        return sized(Codec::kCompressedText, Codec::kCompressed, static_cast<std::uint8_t>(logged_.meta));
      case BinlogType::kVarcharCompressed:
        return sized(Codec::kCompressedText, Codec::kCompressed, length_size(logged_.meta));
      case BinlogType::kGeometry:
      case BinlogType::kVector: return fixed(Codec::kBytes, logged_.meta);
      case BinlogType::kJson: return fixed(Codec::kJson, logged_.meta);
      case BinlogType::kEnum: return labelled(Codec::kEnum);
      case BinlogType::kSet: return labelled(Codec::kSet);
      case BinlogType::kDecimal:
      case BinlogType::kNull:
      case BinlogType::kTypedArray: break;
    }
    return Error(ErrorCode::kSourceRejected,
                 fmt::format("type {} is not known", static_cast<unsigned>(logged_.type)));
  }

 private:
  ColumnPlan fixed(Codec codec, std::size_t size) {
    column_.codec = codec;
    column_.size = static_cast<std::uint8_t>(size);
    return column_;
  }

  ColumnPlan integer(std::uint8_t size) {
    column_.is_unsigned = logged_.is_unsigned.value_or(is_unsigned(declared_.source_type) ||
                                                       is_zerofill(declared_.source_type));
    return fixed(Codec::kInteger, size);
  }

  Result<ColumnPlan> old_time(Codec codec, std::uint8_t size) {
    // MariaDB 5.3 kept fractions in more bytes, of which the log says nothing.
    if (declared_.source_type.find("mariadb-5.3") != std::string::npos &&
        declared_.source_type.find('(') != std::string::npos) {
      return Error(ErrorCode::kSourceRejected,
                   "it is kept in the form of MariaDB 5.3, which the log does not describe")
          .hint("ALTER TABLE … FORCE rewrites it");
    }
    return fixed(codec, size);
  }

  Result<void> set_charset(std::string_view charset) {
    if (charset.empty()) return {};
    DMSKAFKA_ASSIGN(auto converter, CharsetConverter::make(charset));
    if (converter->is_utf8()) return {};
    column_.charset = converter.get();
    plan_.converters.push_back(std::move(converter));
    return {};
  }

  Result<ColumnPlan> sized(Codec text, Codec bytes, std::uint8_t size) {
    const std::string_view charset = charset_of(logged_, declared_);
    DMSKAFKA_TRY(set_charset(charset));
    return fixed(charset.empty() ? bytes : text, size);
  }

  Result<ColumnPlan> string() {
    const std::string_view word = type_word(declared_.source_type);
    const std::uint8_t size = length_size(logged_.meta);
    if (word == "uuid" && logged_.meta == 16) return fixed(Codec::kUuid, size);
    if (word == "inet6" && logged_.meta == 16) return fixed(Codec::kInet6, size);
    if (word == "inet4" && logged_.meta == 4) return fixed(Codec::kInet4, size);
    return sized(Codec::kText, Codec::kPaddedBytes, size);
  }

  ColumnPlan labelled(Codec codec) {
    auto labels = std::make_unique<std::vector<std::string>>();
    *labels = logged_.labels.empty() ? declared_labels(declared_.source_type) : logged_.labels;
    column_.labels = labels.get();
    plan_.labels.push_back(std::move(labels));
    return fixed(codec, logged_.meta);
  }

  RowPlan& plan_;
  const MappedColumn& logged_;
  const ColumnSchema& declared_;
  ColumnPlan column_;
};

std::int64_t sign_extended(std::uint64_t value, std::size_t size) noexcept {
  const auto shift = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(value << shift) >> shift;
}

/// REQUIRES: `encoded` is not empty, and stands in the same event, before what `reader` reads: as many bytes as that has left may
/// be read from its begin on.
bool starts_with(const EventReader& reader, std::string_view encoded) noexcept {
  std::uint64_t here = 0;
  std::uint64_t there = 0;
  if (encoded.size() <= sizeof here && reader.left() >= sizeof here) {
    std::memcpy(&here, reader.at(), sizeof here);
    std::memcpy(&there, encoded.data(), sizeof there);
    return (here ^ there) << (64 - 8 * encoded.size()) == 0;
  }
  return reader.left() >= encoded.size() && std::memcmp(reader.at(), encoded.data(), encoded.size()) == 0;
}

/// True: the value is `encoded`, and was passed over. An encoding says itself where it ends, so the same bytes are the same value.
bool skip_same(EventReader& reader, std::string_view encoded) noexcept {
  if (encoded.empty() || !starts_with(reader, encoded)) return false;
  (void)reader.bytes(encoded.size());
  return true;
}

Value bytes_value(std::string_view bytes) noexcept {
  return {ValueForm::kBytes, bytes.data(), static_cast<std::uint32_t>(bytes.size())};
}

}  // namespace

Result<std::shared_ptr<RowPlan>> RowPlan::make(const TableMap& map, std::shared_ptr<const TableSchema> schema,
                                               std::span<const std::uint32_t> column_of) {
  static const ColumnSchema kHidden;
  auto plan = std::make_shared<RowPlan>();
  for (std::size_t i = 0; i < map.columns.size(); ++i) {
    const std::uint32_t to = column_of[i];
    const ColumnSchema& declared = to == ColumnPlan::kNoColumn ? kHidden : schema->columns[to];
    auto column = PlanMaker(*plan, map.columns[i], declared).make();
    if (!column) {
      return Error(std::move(column).error())
          .while_doing(
              fmt::format("reading the column {} of {}",
                          to == ColumnPlan::kNoColumn ? fmt::format("number {}", i + 1) : declared.name,
                          schema->name.text()));
    }
    column->to = to;
    if (column->codec == Codec::kJson) ++plan->json_columns;
    plan->columns.push_back(*column);
  }
  plan->schema = std::move(schema);
  return plan;
}

bool inflate_to(std::string_view compressed, bool raw, char* out, std::size_t size) noexcept {
  z_stream stream{};
  if (inflateInit2(&stream, raw ? -MAX_WBITS : MAX_WBITS) != Z_OK) return false;
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));  // NOLINT: zlib's interface
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out);
  stream.avail_out = static_cast<uInt>(size);
  const int status = inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  return whole;
}

Result<void> RowDecoder::read_image(EventReader& reader, const RowPlan& plan, BitmapView present,
                                    std::span<Value> values, ChangeBatch& batch, Image& image,
                                    const Before* before) {
  const std::size_t columns = plan.columns.size();
  const BitmapView nulls(reader.bytes(BitmapView::bytes_for(present.count(columns))));
  if (!reader.ok()) return Error(ErrorCode::kSourceRejected, "a row is cut short");
  if (plan.json_columns != 0) image.json.assign(columns, std::string_view());
  image.row_end = {};
  image.encoded.resize(columns);
  std::size_t bit = 0;
  std::size_t json_column = 0;
  for (std::size_t i = 0; i < columns; ++i) {
    const ColumnPlan& column = plan.columns[i];
    image.encoded[i] = {};
    const bool has_diffs =
        before != nullptr && before->diffs && column.codec == Codec::kJson && (*before->diffs)[json_column++];
    if (!present[i]) continue;
    Value not_followed;
    Value& value = column.to == ColumnPlan::kNoColumn ? not_followed : values[column.to];
    if (nulls[bit++]) {
      value = Value::null();
    } else {
      const char* const from = reader.at();
      bool good = true;
      if (before != nullptr && !has_diffs && skip_same(reader, before->image.encoded[i])) {
        if (column.to != ColumnPlan::kNoColumn) value = before->values[column.to];
      } else if (column.codec == Codec::kJson) {
        good = read_json_column(reader, i, column, batch, image, has_diffs ? &before->image : nullptr, value);
      } else {
        good = read_value(reader, column, batch, value);
      }
      if (!good) {
        return Error(ErrorCode::kSourceRejected,
                     fmt::format("the value of {} cannot be read",
                                 column.to == ColumnPlan::kNoColumn ? fmt::format("column number {}", i + 1)
                                                                    : plan.schema->columns[column.to].name));
      }
      image.encoded[i] = {from, static_cast<std::size_t>(reader.at() - from)};
      if (i == plan.row_end) image.row_end = image.encoded[i];
    }
  }
  return {};
}

bool RowDecoder::read_json_column(EventReader& reader, std::size_t i, const ColumnPlan& column,
                                  ChangeBatch& batch, Image& image, const Image* before, Value& value) {
  const std::string_view bytes = reader.bytes(reader.little_endian(column.size));
  if (!reader.ok()) return false;
  if (before == nullptr) {
    image.json[i] = bytes;
    return column.to == ColumnPlan::kNoColumn || read_json(bytes, batch, value);
  }
  if (before->json[i].data() == nullptr) {
    value = Value();  // the log does not have the document that the diffs change
    return true;
  }
  return read_json_diffs(bytes, before->json[i], batch, value);
}

bool RowDecoder::read_value(EventReader& reader, const ColumnPlan& column, ChangeBatch& batch, Value& value) {
  char* out = space_.room(batch, kValueTextSize);
  char* end = nullptr;
  switch (column.codec) {
    case Codec::kInteger: {
      const std::uint64_t number = reader.little_endian(column.size);
      end = column.is_unsigned ? std::to_chars(out, out + 24, number).ptr
                               : std::to_chars(out, out + 24, sign_extended(number, column.size)).ptr;
      break;
    }
    case Codec::kFloat: {
      const auto number = std::bit_cast<float>(reader.u32());
      if (std::isfinite(number)) end = print_float4(number, out);
      break;
    }
    case Codec::kDouble: {
      const auto number = std::bit_cast<double>(reader.u64());
      if (std::isfinite(number)) end = print_float8(number, out);
      break;
    }
    case Codec::kDecimal: {
      const std::string_view bytes = reader.bytes(column.size);
      if (reader.ok()) end = write_decimal(bytes, column.meta >> 8U, column.meta & 0xFFU, out);
      break;
    }
    case Codec::kYear: end = write_year(reader.u8(), out); break;
    case Codec::kDate: end = write_date(static_cast<std::uint32_t>(reader.little_endian(3)), out); break;
    case Codec::kTime2: {
      const std::string_view bytes = reader.bytes(column.size);
      if (reader.ok()) end = write_time2(bytes, column.meta, out);
      break;
    }
    case Codec::kDatetime2: {
      const std::string_view bytes = reader.bytes(column.size);
      if (reader.ok()) end = write_datetime2(bytes, column.meta, out);
      break;
    }
    case Codec::kTimestamp2: {
      const std::string_view bytes = reader.bytes(column.size);
      if (reader.ok()) end = write_timestamp2(bytes, column.meta, out);
      break;
    }
    case Codec::kOldTime:
      end = write_old_time(static_cast<std::uint32_t>(reader.little_endian(3)), out);
      break;
    case Codec::kOldDatetime: end = write_old_datetime(reader.u64(), out); break;
    case Codec::kOldTimestamp: end = write_old_timestamp(reader.u32(), out); break;
    case Codec::kBoolean: {
      const std::uint8_t bit = reader.u8();
      *out = bit == 0 ? '0' : '1';
      if (bit <= 1) end = out + 1;
      break;
    }
    case Codec::kBits: {
      const std::string_view bytes = reader.bytes(column.size);
      if (reader.ok()) value = bytes_value(bytes);
      return reader.ok();
    }
    case Codec::kEnum:
    case Codec::kSet: {
      const std::uint64_t bits = reader.little_endian(column.size);
      return reader.ok() && write_labels(column, bits, batch, value);
    }
    default: return read_sized(reader, column, batch, value);
  }
  if (!reader.ok() || end == nullptr) return false;
  value = Value::text(space_.take(end));
  return true;
}

bool RowDecoder::read_sized(EventReader& reader, const ColumnPlan& column, ChangeBatch& batch, Value& value) {
  const std::string_view bytes = reader.bytes(reader.little_endian(column.size));
  if (!reader.ok()) return false;
  if (column.to == ColumnPlan::kNoColumn) return true;
  switch (column.codec) {
    case Codec::kText: return write_text(column, bytes, batch, value);
    case Codec::kBytes: value = bytes_value(bytes); return true;
    case Codec::kCompressed:
      if (!expand(bytes)) return false;
      value = bytes_value(batch.store(scratch_.view()));
      return true;
    case Codec::kCompressedText: {
      if (!expand(bytes)) return false;
      return write_text(column, batch.store(scratch_.view()), batch, value);
    }
    case Codec::kPaddedBytes: {
      if (bytes.size() > column.meta) return false;
      char* const out = space_.room(batch, column.meta);
      std::fill(std::copy(bytes.begin(), bytes.end(), out), out + column.meta, '\0');
      value = bytes_value(space_.take(out + column.meta));
      return true;
    }
    case Codec::kUuid:
    case Codec::kInet4:
    case Codec::kInet6: {
      std::array<char, 16> whole{};  // zeros at the end are not in the log
      if (bytes.size() > column.meta) return false;
      std::ranges::copy(bytes, whole.begin());
      char* const out = space_.room(batch, kValueTextSize);
      const std::string_view all(whole.data(), whole.size());
      const char* const end = column.codec == Codec::kUuid    ? write_uuid(all, out)
                              : column.codec == Codec::kInet4 ? write_inet4(all, out)
                                                              : write_inet6(all, out);
      if (end == nullptr) return false;
      value = Value::text(space_.take(end));
      return true;
    }
    default: return false;
  }
}

bool RowDecoder::write_text(const ColumnPlan& column, std::string_view bytes, ChangeBatch& batch,
                            Value& value) {
  if (column.charset == nullptr) {
    value = Value::text(bytes);
    return true;
  }
  char* const out = space_.room(batch, column.charset->size_max(bytes.size()));
  value = Value::text(space_.take(column.charset->convert(bytes, out)));
  return true;
}

bool RowDecoder::write_labels(const ColumnPlan& column, std::uint64_t bits, ChangeBatch& batch,
                              Value& value) {
  const std::vector<std::string>& labels = *column.labels;
  if (column.to == ColumnPlan::kNoColumn) return true;
  if (column.codec == Codec::kEnum) {
    // 0 stands for what was no label.
    if (bits > labels.size()) return false;
    value =
        bits == 0 ? Value::text("") : Value::text(batch.store(labels[static_cast<std::size_t>(bits) - 1]));
    return true;
  }
  if (labels.size() < 64 && bits >> labels.size() != 0) return false;
  scratch_.clear();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if ((bits >> i & 1U) == 0) continue;
    if (!scratch_.empty()) scratch_.append(',');
    scratch_.append(labels[i]);
  }
  value = Value::text(batch.store(scratch_.view()));
  return true;
}

bool RowDecoder::read_json(std::string_view binary, ChangeBatch& batch, Value& value) {
  scratch_.clear();
  if (!append_json_text(binary, scratch_)) return false;
  value = Value::text(batch.store(scratch_.view()));
  scratch_.clear();
  scratch_.shrink(1 << 20);
  return true;
}

bool RowDecoder::read_json_diffs(std::string_view diffs, std::string_view before, ChangeBatch& batch,
                                 Value& value) {
  std::vector<JsonDiff> parsed;
  scratch_.clear();
  if (!parse_json_diffs(diffs, parsed) || !append_patched_json(before, parsed, scratch_)) return false;
  value = Value::text(batch.store(scratch_.view()));
  return true;
}

/// MariaDB's compressed columns: nothing for an empty value; else a byte (method in the high half; 0: stored; 8: zlib, with the number
/// of bytes of the length in the low three bits, and bit 3 for data without zlib's header), the length big-endian, the data.
bool RowDecoder::expand(std::string_view bytes) {
  constexpr std::uint64_t kSizeMax = std::uint64_t{1} << 32U;
  scratch_.clear();
  if (bytes.empty()) return true;
  EventReader reader(bytes);
  const std::uint8_t header = reader.u8();
  if (header >> 4U == 0) {
    scratch_.append(reader.rest());
    return true;
  }
  if (header >> 4U != 8) return false;
  const std::uint64_t size = reader.big_endian(header & 7U);
  // What zlib makes is at most 1,032 times as large.
  if (!reader.ok() || size >= kSizeMax || size / 1'100 > reader.left()) return false;
  const auto wanted = static_cast<std::size_t>(size);
  if (!inflate_to(reader.rest(), (header & 8U) != 0, scratch_.reserve(wanted), wanted)) return false;
  scratch_.advance(wanted);
  return true;
}

}  // namespace dmskafka::mysql
