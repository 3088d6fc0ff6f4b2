#include "core/json/json_writer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace dmskafka;  // NOLINT(google-build-using-namespace)

namespace {

struct Written {
  std::string text;
  std::size_t replaced;
};

Written escaped(std::string_view text) {
  ByteBuffer buffer;
  const std::size_t replaced = append_json_escaped(buffer, text);
  return {std::string(buffer.view()), replaced};
}

// The rule of wire-format.md §2 for one ASCII character, written down a second time.
std::string expected_escape(char c) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
  }
  return c >= 0 && c < 0x20 ? fmt::format("\\u00{:02x}", static_cast<int>(c)) : std::string(1, c);
}

}  // namespace

TEST_CASE("json_writer: quotes, and what is inside them") {
  CHECK(json_quoted("") == "\"\"");
  CHECK(json_quoted("a/b <é> 😀 \x7F") == "\"a/b <é> 😀 \x7F\"");
  CHECK(json_quoted("say \"hi\" \\ \b\f\n\r\t\x01\x1F") == R"("say \"hi\" \\ \b\f\n\r\t\u0001\u001f")");
  ByteBuffer buffer;
  buffer.append("k:");
  CHECK(append_json_string(buffer, "v") == 0);
  CHECK(buffer.view() == "k:\"v\"");
}

TEST_CASE("json_writer: every ASCII character, at every place of a block") {
  for (int code = 0; code < 0x80; ++code) {
    const char c = static_cast<char>(code);
    for (std::size_t before = 0; before < 35; ++before) {
      for (const std::size_t after : {0U, 1U, 7U, 20U}) {
        const std::string input = std::string(before, 'a') + c + std::string(after, 'z');
        const Written written = escaped(input);
        REQUIRE(written.text == std::string(before, 'a') + expected_escape(c) + std::string(after, 'z'));
        REQUIRE(written.replaced == 0);
      }
    }
  }
}

TEST_CASE("json_writer: well-formed sequences of every size pass, at every place") {
  for (const std::string_view sequence :
       {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    for (std::size_t before = 0; before < 20; ++before) {
      const std::string input =
          std::string(before, 'a') + std::string(sequence) + std::string(sequence) + "z\n";
      const Written written = escaped(input);
      REQUIRE(written.text == input.substr(0, input.size() - 1) + "\\n");
      REQUIRE(written.replaced == 0);
    }
  }
}

TEST_CASE("json_writer: each maximal subpart becomes one U+FFFD") {
  const std::string r = "\xEF\xBF\xBD";
  struct Case {
    std::string_view input;
    std::string expected;
    std::size_t replaced;
  };
  const Case cases[] = {
      // The Unicode standard, ch. 3.9, tables 3-8 to 3-11.
      {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", r + r + r + r + r + r + r + r + "A", 8},
      {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", r + r + r + r + r + r + r + r + "A", 8},
      {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", r + r + r + r + r + "A" + r + r + "B", 7},
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", r + r + r + r + "A", 4},
      // Cut off at the end of the text.
      {"a\xC3", "a" + r, 1},
      {"a\xE2\x82", "a" + r, 1},
      {"a\xF0\x9F\x98", "a" + r, 1},
      {"\x80", r, 1},
      {"\xC3\"", r + "\\\"", 1},
      {"\xE2\x82\n", r + "\\n", 1},
  };
  for (const Case& c : cases) {
    for (std::size_t before = 0; before < 18; ++before) {
      const Written written = escaped(std::string(before, 'x') + std::string(c.input));
      REQUIRE(written.text == std::string(before, 'x') + c.expected);
      REQUIRE(written.replaced == c.replaced);
    }
  }
}

TEST_CASE("json_writer: text that grows at every byte stays within its buffer") {
  std::string expected;
  for (int i = 0; i < 10'000; ++i) expected += "\\u0001";
  CHECK(escaped(std::string(10'000, '\x01')).text == expected);
  CHECK(escaped(std::string(10'000, '\xFF')).replaced == 10'000);
  CHECK(escaped(std::string(10'000, '\xFF')).text.size() == 30'000);
}
