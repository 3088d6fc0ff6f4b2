#include "mapping/value_text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "core/json/json_writer.h"
#include "mapping/float_text.h"
#include "mapping/lob_cut.h"
#include "mapping/number_text.h"
#include "mapping/strict_value.h"

namespace dmskafka {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// ---- numbers

void append_parsed(const NumberText& number, ByteBuffer& out) {
  char* const begin = out.reserve(number.size_max());
  out.advance(static_cast<std::size_t>(number.write(begin) - begin));
}

bool append_number(std::string_view text, ByteBuffer& out) {
  const NumberText number = NumberText::parse(text);
  if (number.valid) append_parsed(number, out);
  return number.valid;
}

// "-$1,234.50", as PostgreSQL prints money where lc_monetary is C or en_US.
bool append_money(std::string_view text, ByteBuffer& out) {
  constexpr std::size_t kSizeMax = 64;
  if (text.size() > kSizeMax) return false;
  char plain[kSizeMax];
  std::size_t size = 0;
  for (const char c : text) {
    if (c != '$' && c != ',') plain[size++] = c;
  }
  return append_number({plain, size}, out);
}

// ±Infinity and NaN have no JSON number; the dialect "dms" writes PostgreSQL's names of them (wire-format.md §5).
void append_not_finite(double value, ByteBuffer& out) {
  out.append(std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

void append_float8(double value, ByteBuffer& out) {
  if (!std::isfinite(value)) return append_not_finite(value, out);
  char* begin = out.reserve(kFloatTextSize);
  out.advance(static_cast<std::size_t>(format_float8(value, begin) - begin));
}

void append_float4(float value, ByteBuffer& out) {
  if (!std::isfinite(value)) return append_not_finite(static_cast<double>(value), out);
  char* begin = out.reserve(kFloatTextSize);
  out.advance(static_cast<std::size_t>(format_float4(value, begin) - begin));
}

// std::from_chars reports a value beyond the type's range without one; the C library's rounds it to 0 or infinity.
float parse_out_of_range(std::string_view text, float) {
  return std::strtof(std::string(text).c_str(), nullptr);
}
double parse_out_of_range(std::string_view text, double) {
  return std::strtod(std::string(text).c_str(), nullptr);
}

template <typename Float>
bool parse_float(std::string_view text, Float& value) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) return false;
  if (parsed.ec == std::errc::result_out_of_range) value = parse_out_of_range(text, value);
  return true;
}

bool append_float4_text(std::string_view text, ByteBuffer& out) {
  float value = 0;
  if (!parse_float(text, value)) return false;
  append_float4(value, out);
  return true;
}

bool append_float8_text(std::string_view text, ByteBuffer& out) {
  // Up to 15 digits within the range that "%.15g" writes without an exponent, the text is the result
  // (float_text.cc says why); parsing it would be the longest part of many rows.
  if (const NumberText number = NumberText::parse(text); number.valid && number.is_its_own_double()) {
    append_parsed(number, out);
    return true;
  }
  double value = 0;
  if (!parse_float(text, value)) return false;
  append_float8(value, out);
  return true;
}

bool append_boolean(std::string_view text, std::string_view when_true, std::string_view when_false,
                    ByteBuffer& out) {
  if (text == "t" || text == "1" || text == "true") return out.append(when_true), true;
  if (text == "f" || text == "0" || text == "false") return out.append(when_false), true;
  return false;
}

// ---- dates and times

// A fraction is written when it is not zero, with all digits of the column's scale. REQUIRES: digits only.
char* put_fraction(char* out, std::string_view digits, std::uint32_t scale) noexcept {
  if (digits.find_first_not_of('0') == std::string_view::npos) return out;
  *out++ = '.';
  out = put(out, digits);
  for (std::size_t i = digits.size(); i < scale; ++i) *out++ = '0';
  return out;
}

// Takes ".123" off the front of `text` and gives its digits.
std::string_view take_fraction(std::string_view& text) noexcept {
  if (text.empty() || text[0] != '.') return {};
  std::size_t end = 1;
  while (end < text.size() && is_digit(text[end])) ++end;
  const std::string_view digits = text.substr(1, end - 1);
  text.remove_prefix(end);
  return digits;
}

bool has_shape(std::string_view text, std::string_view shape) noexcept {
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '0' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
  }
  return true;
}

bool append_timestamp(std::string_view text, std::string_view zone, std::uint32_t scale, ByteBuffer& out) {
  constexpr std::string_view kShape = "0000-00-00 00:00:00";
  if (text.size() < kShape.size() || !has_shape(text, kShape)) return false;
  std::string_view rest = text.substr(kShape.size());
  const std::string_view fraction = take_fraction(rest);
  if (rest != zone) return false;  // " BC" among others
  char* const begin = out.reserve(text.size() + scale + 4);
  char* end = begin;
  *end++ = '"';
  end = put(end, text.substr(0, 10));
  *end++ = 'T';
  end = put(end, text.substr(11, 8));
  end = put_fraction(end, fraction, scale);
  end = put(end, "Z\"");
  out.advance(static_cast<std::size_t>(end - begin));
  return true;
}

// "04:05:06.789+02": hours may have more digits and a sign (MySQL's TIME), the zone is kept as it is.
bool append_time(std::string_view text, std::uint32_t scale, ByteBuffer& out) {
  if (text.find_first_not_of("0123456789:+-.") != std::string_view::npos) return false;
  const std::size_t clock_size = std::min(text.find('.'), text.size());
  std::string_view rest = text.substr(clock_size);
  const std::string_view fraction = take_fraction(rest);
  char* const begin = out.reserve(text.size() + scale + 3);
  char* end = begin;
  *end++ = '"';
  end = put(end, text.substr(0, clock_size));
  end = put_fraction(end, fraction, scale);
  end = put(end, rest);
  *end++ = '"';
  out.advance(static_cast<std::size_t>(end - begin));
  return true;
}

// ---- bytes

// PostgreSQL's "\xdeadbeef": the digits are there, only their case differs.
bool append_hex_text(std::string_view text, bool prefix, ByteBuffer& out) {
  if (!text.starts_with("\\x")) return false;
  text.remove_prefix(2);
  char* const begin = out.reserve(text.size() + 4);
  char* end = put(begin, prefix ? "\"0x" : "\"");
  // Upper case by clearing bit 5 of letters, which have bit 6; without a branch, so that it is done 16 at a time.
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    end[i] = static_cast<char>(byte & ~((byte & 0x40U) >> 1U));
  }
  end += text.size();
  *end++ = '"';
  out.advance(static_cast<std::size_t>(end - begin));
  return true;
}

void append_hex(std::string_view bytes, bool prefix, ByteBuffer& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  char* const begin = out.reserve(2 * bytes.size() + 4);
  char* end = put(begin, prefix ? "\"0x" : "\"");
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *end++ = kDigits[byte >> 4U];
    *end++ = kDigits[byte & 15U];
  }
  *end++ = '"';
  out.advance(static_cast<std::size_t>(end - begin));
}

std::string_view without_trailing_blanks(std::string_view text) noexcept {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::uint32_t replaced_in_string(std::string_view text, ByteBuffer& out) {
  return static_cast<std::uint32_t>(append_json_string(out, text));
}

// False when `text` lacks the form that `format.kind` promises, and for the kinds that are strings anyway.
bool append_by_kind(const ValueFormat& format, std::string_view text, ByteBuffer& out) {
  switch (format.kind) {
    case ValueKind::kInteger:
    case ValueKind::kDecimal: return append_number(text, out);
    case ValueKind::kFloat4: return append_float4_text(text, out);
    case ValueKind::kFloat8: return append_float8_text(text, out);
    case ValueKind::kMoney: return append_money(text, out);
    case ValueKind::kBooleanAsString: return append_boolean(text, "\"true\"", "\"false\"", out);
    case ValueKind::kBoolean: return append_boolean(text, "true", "false", out);
    case ValueKind::kTimestamp: return append_timestamp(text, "", format.fraction_digits, out);
    case ValueKind::kTimestampUtc: return append_timestamp(text, "+00", format.fraction_digits, out);
    case ValueKind::kTime:
    case ValueKind::kTimeWithZone: return append_time(text, format.fraction_digits, out);
    case ValueKind::kHexBytes: return append_hex_text(text, format.hex_prefix, out);
    case ValueKind::kString:
    case ValueKind::kBlankTrimmedString:
    case ValueKind::kDate:
    case ValueKind::kDecimalAsString:
    case ValueKind::kDynamic: return false;
  }
  return false;
}

}  // namespace

ValueFormat ValueFormat::of(const TableSchema& schema, std::uint32_t index, const ValueSettings& settings) {
  const ColumnSchema& column = schema.columns[index];
  ValueFormat format;
  format.kind = column.value_kind;
  format.fraction_digits = column.scale.value_or(6);
  format.hex_prefix = settings.hex_prefix;
  format.strict = settings.strict;
  format.large_integers = settings.large_integers;
  format.unbounded_decimal = column.type == DmsType::kDecimal && !column.precision;
  if (column.lob && !schema.is_key_column(index)) format.lob_bytes_max = settings.lob_bytes_max;
  return format;
}

bool is_empty_string(const ValueFormat& format, const Value& value) noexcept {
  if (value.form() != ValueForm::kText) return false;
  if (format.kind == ValueKind::kBlankTrimmedString) return without_trailing_blanks(value.view()).empty();
  return value.view().empty();
}

bool is_zero_date(const ValueFormat& format, const Value& value) noexcept {
  if (format.kind != ValueKind::kDate && format.kind != ValueKind::kTimestamp) return false;
  return value.form() == ValueForm::kText && value.view().starts_with("0000-00-00");
}

ValueLoss append_value(const ValueFormat& format, const Value& value, ByteBuffer& out) {
  std::string_view text = value.view();
  ValueLoss loss;
  if (format.lob_bytes_max != 0) {
    text = cut_lob(format.kind, value, format.lob_bytes_max);
    loss.cut = text.size() == value.view().size() ? 0 : 1;
  }
  if (is_zero_date(format, value)) {
    out.append("null");
    loss.zero_dates = 1;
    return loss;
  }
  switch (value.form()) {
    case ValueForm::kText: {
      if (format.strict && append_strict_text(format, text, out)) return loss;
      if (append_by_kind(format, text, out)) return loss;
      const bool trim = format.kind == ValueKind::kBlankTrimmedString;
      loss.replaced += replaced_in_string(trim ? without_trailing_blanks(text) : text, out);
      return loss;
    }
    case ValueForm::kInteger:
      if (format.strict && append_strict_integer(format, text, out)) return loss;
      if (!append_number(text, out)) loss.replaced += replaced_in_string(text, out);
      return loss;
    case ValueForm::kReal: {
      double real = 0;
      std::memcpy(&real, text.data(), sizeof real);
      if (format.strict && !std::isfinite(real)) break;
      append_float8(real, out);
      return loss;
    }
    case ValueForm::kBytes: append_hex(text, format.hex_prefix, out); return loss;
    case ValueForm::kAbsent:
    case ValueForm::kUnchanged:
    case ValueForm::kNull: break;
  }
  out.append("null");
  return loss;
}

}  // namespace dmskafka
