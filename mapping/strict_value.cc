#include "mapping/strict_value.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

#include "core/json/json_writer.h"
#include "mapping/float_text.h"
#include "mapping/number_text.h"

namespace dmskafka {

namespace {

constexpr std::size_t kPlainIntegerDigitsMax = 16;
constexpr std::size_t kUnboundedDecimals = 6;

bool append_null(ByteBuffer& out) {
  out.append("null");
  return true;
}

bool is_not_finite(std::string_view text) noexcept {
  return text == "NaN" || text == "Infinity" || text == "-Infinity";
}

double to_double(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  // Beyond a double's range from_chars leaves the value alone; the C library rounds to 0 or infinity.
  return parsed.ec == std::errc() ? value : std::strtod(std::string(text).c_str(), nullptr);
}

bool append_double(double value, ByteBuffer& out) {
  if (!std::isfinite(value)) return append_null(out);
  char* const begin = out.reserve(kFloatTextSize);
  out.advance(static_cast<std::size_t>(format_float8(value, begin) - begin));
  return true;
}

// "d.ddde+xx" with as many digits as a double needs, without zeros that say nothing.
bool append_scientific(double value, ByteBuffer& out) {
  char text[kFloatTextSize];
  const char* const end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 16).ptr;
  std::string_view all(text, static_cast<std::size_t>(end - text));
  const std::size_t exponent = all.find('e');
  std::string_view mantissa = all.substr(0, exponent);
  while (mantissa.back() == '0') mantissa.remove_suffix(1);
  if (mantissa.back() == '.') mantissa.remove_suffix(1);
  out.append(mantissa);
  out.append(all.substr(exponent));
  return true;
}

// Half away from zero, as PostgreSQL rounds numerics. REQUIRES: number.valid.
std::string rounded(const NumberText& number, std::size_t decimals) {
  std::string digits = "0" + std::string(number.whole) + std::string(number.fraction.substr(0, decimals));
  if (number.fraction.size() > decimals && number.fraction[decimals] >= '5') {
    std::size_t at = digits.size() - 1;
    for (; digits[at] == '9'; --at) digits[at] = '0';
    ++digits[at];
  }
  const std::size_t point = 1 + number.whole.size();
  return (number.negative ? "-" : "") + digits.substr(0, point) + "." + digits.substr(point) + "0";
}

bool append_decimal(const ValueFormat& format, std::string_view text, ByteBuffer& out) {
  if (is_not_finite(text)) return append_null(out);
  const NumberText number = NumberText::parse(text);
  if (!number.valid) return false;
  // SPEC NUMERIC without precision: DMS keeps 6 decimals unless MapUnboundedNumericAsString.
  if (format.unbounded_decimal && number.fraction.size() > kUnboundedDecimals) {
    return append_double(to_double(rounded(number, kUnboundedDecimals)), out);
  }
  return append_double(to_double(text), out);
}

// "-$1,234.50", as PostgreSQL prints money where lc_monetary is C or en_US.
bool append_money(const ValueFormat& format, std::string_view text, ByteBuffer& out) {
  std::string plain;
  for (const char c : text) {
    if (c != '$' && c != ',') plain += c;
  }
  return append_decimal(format, plain, out);
}

// "2018-01-02…", years 1 to 9999.
bool is_common_date(std::string_view text) noexcept {
  constexpr std::string_view kShape = "0000-00-00";
  if (text.size() < kShape.size() || text.ends_with("BC")) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !digit : text[i] != '-') return false;
  }
  return true;
}

bool append_without_zone(const ValueFormat& format, std::string_view text, ByteBuffer& out) {
  const std::size_t zone = text.find_last_of("+-");
  if (zone == std::string_view::npos) return false;
  ValueFormat plain = format;
  plain.kind = ValueKind::kTime;
  append_value(plain, Value::text(text.substr(0, zone)), out);
  return true;
}

}  // namespace

bool append_strict_integer(const ValueFormat& format, std::string_view text, ByteBuffer& out) {
  const NumberText number = NumberText::parse(text);
  if (!number.valid || format.large_integers || number.whole.size() <= kPlainIntegerDigitsMax) return false;
  return append_scientific(to_double(text), out);
}

bool append_strict_text(const ValueFormat& format, std::string_view text, ByteBuffer& out) {
  switch (format.kind) {
    case ValueKind::kInteger: return append_strict_integer(format, text, out);
    case ValueKind::kDecimal: return append_decimal(format, text, out);
    case ValueKind::kMoney: return append_money(format, text, out);
    case ValueKind::kFloat4:
    case ValueKind::kFloat8: return is_not_finite(text) && append_null(out);
    case ValueKind::kDate:
    case ValueKind::kTimestamp:
    case ValueKind::kTimestampUtc: return !is_common_date(text) && append_null(out);
    case ValueKind::kTimeWithZone: return append_without_zone(format, text, out);
    case ValueKind::kTime:
    case ValueKind::kHexBytes:
    case ValueKind::kBoolean:
    case ValueKind::kBooleanAsString:
    case ValueKind::kString:
    case ValueKind::kBlankTrimmedString:
    case ValueKind::kDecimalAsString:
    case ValueKind::kDynamic: return false;
  }
  return false;
}

}  // namespace dmskafka
