#include "mapping/computed_columns.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace dmskafka;

namespace {

std::string converted(std::string_view shown, ValueKind target) {
  ByteBuffer out;
  append_converted(shown, target, out);
  return std::string(out.view());
}

// The computed values of a row of texts.
struct Row {
  Row(std::vector<Computation> computations, const std::vector<Value>& values) {
    const auto columns = std::make_shared<const ComputedColumns>(
        static_cast<std::uint32_t>(values.size()), std::move(computations), std::vector<Expression>(),
        OldRows::kNotShown);
    const RowView row = columns->extend(Change(), values, {}, WallTime(), message).row;
    for (std::size_t i = values.size(); i < row.size(); ++i) computed.emplace_back(row[i]);
  }
  std::string text(std::size_t i) const {
    return computed[i].is_null() ? "NULL" : std::string(computed[i].view());
  }
  EncodedMessage message;  // whose scratch holds the values
  std::vector<Value> computed;
};

Computation of(Computation::Kind kind, std::string text = "", ValueKind input = ValueKind::kString) {
  Computation computation{kind};
  computation.text = std::move(text);
  computation.input_format.kind = input;
  return computation;
}

}  // namespace

TEST_CASE("computed_columns: numbers are rounded half away from zero, with every digit") {
  CHECK(converted("1.5", ValueKind::kInteger) == "2");
  CHECK(converted("-1.5", ValueKind::kInteger) == "-2");
  CHECK(converted("-0.4", ValueKind::kInteger) == "0");
  CHECK(converted("99999999999999999999.5", ValueKind::kInteger) == "100000000000000000000");
  CHECK(converted("1e3", ValueKind::kInteger) == "1000");
  CHECK(converted("true", ValueKind::kInteger) == "1");
  CHECK(converted("abc", ValueKind::kInteger) == "abc");
  CHECK(converted("", ValueKind::kInteger) == "");
}

TEST_CASE("computed_columns: booleans, dates and times take what they can, and leave the rest as it is") {
  CHECK(converted("0.0", ValueKind::kBoolean) == "f");
  CHECK(converted("yes", ValueKind::kBoolean) == "t");
  CHECK(converted("maybe", ValueKind::kBoolean) == "maybe");
  CHECK(converted("2024-02-29T12:00:00.5Z", ValueKind::kDate) == "2024-02-29");
  CHECK(converted("2024-02-29T12:00:00.5Z", ValueKind::kTime) == "12:00:00.5");
  CHECK(converted("2024-02-29", ValueKind::kTimestamp) == "2024-02-29 00:00:00");
  CHECK(converted("2024-02-29T12:00:00.5Z", ValueKind::kTimestamp) == "2024-02-29 12:00:00.5");
  CHECK(converted("soon", ValueKind::kTimestamp) == "soon");
  CHECK(converted("false", ValueKind::kFloat8) == "0");
}

TEST_CASE("computed_columns: values stand behind the row's, and each may use those before it") {
  Computation hash = of(Computation::Kind::kHashMask);
  hash.input = 1;  // the literal before it
  const Row row({of(Computation::Kind::kLiteral, "abc"), hash}, {Value::text("x")});
  CHECK(row.text(0) == "abc");
  CHECK(row.text(1) ==
        "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");  // FIPS 180-2, B.1
}

TEST_CASE("computed_columns: masks change digits only, and NULL stays NULL") {
  CHECK(Row({of(Computation::Kind::kDigitsMask, "#")}, {Value::text("+49 (0)30-12a")}).text(0) ==
        "+## (#)##-##a");
  CHECK(Row({of(Computation::Kind::kDigitsMask, "#")}, {Value::null()}).text(0) == "NULL");
  CHECK_FALSE(Row({of(Computation::Kind::kHashMask)}, {Value()}).computed[0].is_known());
  const std::string random =
      Row({of(Computation::Kind::kDigitsRandomize)}, {Value::text("a-12345678901234567890")}).text(0);
  CHECK(random.size() == 22);
  CHECK(random.starts_with("a-"));
  CHECK(random != "a-12345678901234567890");
}

TEST_CASE("computed_columns: a number that is masked by random digits keeps its length") {
  for (int i = 0; i < 50; ++i) {
    const std::string random =
        Row({of(Computation::Kind::kDigitsRandomize, "", ValueKind::kInteger)}, {Value::text("-10")}).text(0);
    CHECK(random.size() == 3);
    CHECK(random[1] != '0');
  }
}

TEST_CASE("computed_columns: a text becomes bytes as it is, and anything becomes its text") {
  Computation bytes = of(Computation::Kind::kConvert);
  bytes.target = ValueKind::kHexBytes;
  const Row row({bytes}, {Value::text("ab")});
  CHECK(row.computed[0].form() == ValueForm::kBytes);
  Computation text = of(Computation::Kind::kConvert, "", ValueKind::kDecimal);
  text.target = ValueKind::kString;
  CHECK(Row({text}, {Value::text("-1500.00")}).text(0) == "-1500");
}
