#include "mapping/computed_columns.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <random>

#include "core/base/digest.h"
#include "mapping/float_text.h"
#include "mapping/number_text.h"
#include "mapping/row_text.h"

namespace dmskafka {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool has_date(std::string_view text) noexcept {
  return text.size() >= 10 && is_digit(text[0]) && is_digit(text[3]) && text[4] == '-' && text[7] == '-';
}

// Half away from zero, as the databases round.
void append_rounded(const NumberText& number, ByteBuffer& out) {
  std::string whole(number.whole.empty() ? "0" : number.whole);
  if (!number.fraction.empty() && number.fraction.front() >= '5') {
    std::size_t at = whole.size();
    while (at != 0 && whole[at - 1] == '9') whole[--at] = '0';
    if (at == 0) {
      whole.insert(whole.begin(), '1');
    } else {
      ++whole[at - 1];
    }
  }
  if (number.negative && whole != "0") out.append('-');
  out.append(whole);
}

void append_integer(std::string_view shown, ByteBuffer& out) {
  if (shown == "true" || shown == "false") return out.append(shown == "true" ? '1' : '0');
  if (const NumberText number = NumberText::parse(shown); number.valid) return append_rounded(number, out);
  const std::string text(shown);
  char* end = nullptr;
  const double real = std::strtod(text.c_str(), &end);
  constexpr double kExact = 9007199254740992.0;
  if (text.empty() || *end != '\0' || !(std::fabs(real) < kExact)) return out.append(shown);
  out.append(std::to_string(std::llround(real)));
}

void append_boolean(std::string_view shown, ByteBuffer& out) {
  if (const NumberText number = NumberText::parse(shown); number.valid) {
    return out.append(number.whole.empty() && number.fraction.empty() ? 'f' : 't');
  }
  if (shown == "true" || shown == "t" || shown == "y" || shown == "yes") return out.append('t');
  if (shown == "false" || shown == "f" || shown == "n" || shown == "no") return out.append('f');
  out.append(shown);
}

// "2024-02-29T12:00:00.5Z" or "2024-02-29" -> "2024-02-29 12:00:00.5"
void append_timestamp(std::string_view shown, ByteBuffer& out) {
  if (!has_date(shown)) return out.append(shown);
  out.append(shown.substr(0, 10));
  out.append(' ');
  if (shown.size() == 10) return out.append("00:00:00");
  std::string_view time = shown.substr(11);
  if (time.ends_with('Z')) time.remove_suffix(1);
  out.append(time);
}

bool is_number(ValueKind kind) noexcept {
  return kind == ValueKind::kInteger || kind == ValueKind::kDecimal || kind == ValueKind::kFloat4 ||
         kind == ValueKind::kFloat8;
}

}  // namespace

void append_converted(std::string_view shown, ValueKind target, ByteBuffer& out) {
  switch (target) {
    case ValueKind::kInteger: return append_integer(shown, out);
    case ValueKind::kBoolean:
    case ValueKind::kBooleanAsString: return append_boolean(shown, out);
    case ValueKind::kDate: return out.append(has_date(shown) ? shown.substr(0, 10) : shown);
    case ValueKind::kTimestamp:
    case ValueKind::kTimestampUtc: return append_timestamp(shown, out);
    case ValueKind::kTime:
    case ValueKind::kTimeWithZone: {
      const bool dated = has_date(shown) && shown.size() > 11;
      std::string_view time = dated ? shown.substr(11) : shown;
      if (dated && time.ends_with('Z')) time.remove_suffix(1);
      return out.append(time);
    }
    case ValueKind::kFloat4:
    case ValueKind::kFloat8:
    case ValueKind::kDecimal:
    case ValueKind::kDecimalAsString:
    case ValueKind::kMoney:
      if (shown == "true" || shown == "false") return out.append(shown == "true" ? '1' : '0');
      return out.append(shown);
    case ValueKind::kString:
    case ValueKind::kBlankTrimmedString:
    case ValueKind::kHexBytes:
    case ValueKind::kDynamic: return out.append(shown);
  }
}

class ComputedColumns::Scratch final : public EncodeScratch {
 public:
  explicit Scratch(std::shared_ptr<const ComputedColumns> owner)
      : owner_(std::move(owner)),
        row(owner_->width() * (owner_->old_rows_ == OldRows::kShown ? 2 : 1)),
        bytes(row.size()) {
    if (!owner_->expressions_.empty()) expressions.emplace(owner_->expressions_);
  }

  char random_digit() {
    constexpr unsigned kDigits = 10;
    constexpr unsigned kFair = std::random_device::max() / kDigits * kDigits;
    unsigned number = random_();
    while (number >= kFair) number = random_();
    return static_cast<char>('0' + number % kDigits);
  }

 private:
  std::shared_ptr<const ComputedColumns> owner_;  // its address is the key of this scratch
  std::random_device random_;

 public:
  std::vector<Value> row;
  std::vector<ByteBuffer> bytes;  // by slot, of the computed values
  ByteBuffer work;
  std::optional<PreparedExpressions> expressions;
};

ComputedColumns::Rows ComputedColumns::extend(const Change& change, RowView row, RowView old_row,
                                              WallTime now, EncodedMessage& out) const {
  std::unique_ptr<EncodeScratch>& kept = out.scratch[this];
  if (kept == nullptr) kept = std::make_unique<Scratch>(shared_from_this());
  auto& scratch = static_cast<Scratch&>(*kept);
  std::fill(std::copy(row.begin(), row.end(), scratch.row.begin()), scratch.row.end(), Value());
  for (std::size_t i = 0; i < computations_.size(); ++i) {
    const std::size_t slot = column_count_ + i;
    scratch.row[slot] = compute(computations_[i], change, scratch.row, now, scratch, scratch.bytes[slot],
                                out.failed_expressions);
  }
  if (old_rows_ == OldRows::kNotShown || old_row.empty()) return {scratch.row, {}};
  const std::span<Value> old = std::span(scratch.row).subspan(width());
  std::copy(old_row.begin(), old_row.end(), old.begin());
  for (std::size_t i = 0; i < computations_.size(); ++i) {
    // What is made of no column, or of several, has no old value of its own.
    const Computation::Kind kind = computations_[i].kind;
    if (kind == Computation::Kind::kLiteral || kind == Computation::Kind::kExpression) continue;
    const std::size_t slot = column_count_ + i;
    old[slot] = compute(computations_[i], change, old, now, scratch, scratch.bytes[width() + slot],
                        out.failed_expressions);
  }
  return {scratch.row, old};
}

Value ComputedColumns::compute(const Computation& computation, const Change& change, RowView row,
                               WallTime now, Scratch& scratch, ByteBuffer& bytes,
                               std::uint64_t& failed) const {
  const auto as_text = [&bytes] { return Value::text(bytes.view()); };
  if (computation.kind == Computation::Kind::kLiteral) {
    return {computation.form, computation.text.data(), static_cast<std::uint32_t>(computation.text.size())};
  }
  if (computation.kind == Computation::Kind::kExpression) {
    // Of a value that the log did not repeat nothing can be made.
    for (const ExpressionVariable& variable : expressions_[computation.expression].variables()) {
      if (variable.kind == ExpressionVariable::Kind::kColumn && !variable.old &&
          row[variable.slot].form() == ValueForm::kUnchanged) {
        return {ValueForm::kUnchanged, nullptr, 0};
      }
    }
    const auto value = scratch.expressions->evaluate(computation.expression, change, row, now, scratch.work);
    if (!value) ++failed;
    if (!value || value->is_null()) return Value::null();
    bytes.clear();
    if (computation.target == ValueKind::kHexBytes && value->form() != ValueForm::kReal) {
      bytes.append(value->view());
      return {ValueForm::kBytes, bytes.data(), static_cast<std::uint32_t>(bytes.size())};
    }
    ByteBuffer& shown = bytes;
    ValueFormat plain;
    plain.hex_prefix = false;
    append_plain_text(plain, *value, shown);
    scratch.work.clear();
    append_converted(shown.view(), computation.target, scratch.work);
    bytes.clear();
    bytes.append(scratch.work.view());
    return as_text();
  }

  const Value& input = row[computation.input];
  if (!input.is_known() || input.is_null()) return input;
  bytes.clear();
  if (computation.kind == Computation::Kind::kConvert) {
    if (computation.target == ValueKind::kHexBytes) {
      bytes.append(input.view());
      return {ValueForm::kBytes, bytes.data(), static_cast<std::uint32_t>(bytes.size())};
    }
    scratch.work.clear();
    append_plain_text(computation.input_format, input, scratch.work);
    append_converted(scratch.work.view(), computation.target, bytes);
    return as_text();
  }
  // Masks work on the database's own text, of which every digit counts.
  if (input.form() == ValueForm::kText) {
    bytes.append(input.view());
  } else {
    append_plain_text(computation.input_format, input, bytes);
  }
  if (computation.kind == Computation::Kind::kHashMask) {
    std::string hex = sha256_hex(bytes.view());
    for (char& c : hex) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    bytes.clear();
    bytes.append(hex);
    return as_text();
  }
  // A number keeps its length: it does not begin with a zero.
  bool leading = is_number(computation.input_format.kind);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char& c = bytes.data()[i];
    if (!is_digit(c)) continue;
    if (computation.kind == Computation::Kind::kDigitsMask) {
      c = computation.text[0];
      continue;
    }
    do c = scratch.random_digit();
    while (leading && c == '0');
    leading = false;
  }
  return as_text();
}

}  // namespace dmskafka
