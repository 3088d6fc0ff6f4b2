#include "mapping/lob_cut.h"

#include <doctest/doctest.h>

#include <string>

using namespace dmskafka;

namespace {
std::string cut(std::string_view text, std::size_t bytes_max, ValueKind kind = ValueKind::kString) {
  return std::string(cut_lob(kind, Value::text(text), bytes_max));
}
}  // namespace

TEST_CASE("lob_cut: at the limit nothing is cut, one beyond it one byte") {
  CHECK(cut("abcd", 5) == "abcd");
  CHECK(cut("abcd", 4) == "abcd");
  CHECK(cut("abcde", 4) == "abcd");
}

TEST_CASE("lob_cut: text is never cut within a character") {
  CHECK(cut("ab\xC3\xBC", 4) == "ab\xC3\xBC");  // ü, 2 bytes
  CHECK(cut("ab\xC3\xBCz", 3) == "ab");
  CHECK(cut("\xF0\x9F\x98\x80z", 4) == "\xF0\x9F\x98\x80");  // 😀, 4 bytes
  CHECK(cut("\xF0\x9F\x98\x80z", 3) == "");
  CHECK(cut("a\xE4\xBD\xA0z", 3) == "a");  // 你, 3 bytes
}

TEST_CASE("lob_cut: bytes that are no UTF-8 are cut anywhere") {
  CHECK(cut("\x80\x80\x80\x80\x80\x80", 5) == "\x80\x80\x80\x80\x80");
}

TEST_CASE("lob_cut: of bytes the bytes count, not their digits") {
  CHECK(cut("\\xdeadbeef", 4, ValueKind::kHexBytes) == "\\xdeadbeef");
  CHECK(cut("\\xdeadbeef", 3, ValueKind::kHexBytes) == "\\xdeadbe");
  const std::string raw = "\x01\x80\x80";
  const Value bytes(ValueForm::kBytes, raw.data(), 3);
  CHECK(cut_lob(ValueKind::kDynamic, bytes, 2) == "\x01\x80");
}
