#include "core/json/json_reader.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

using namespace dmskafka;  // NOLINT(google-build-using-namespace)
using namespace std::string_literals;

namespace {

std::string fault(std::string text) {
  const Result<JsonDocument> document = JsonDocument::parse("m.json", std::move(text));
  return document ? "no error" : document.error().to_string();
}

JsonDocument parsed(std::string text) {
  Result<JsonDocument> document = JsonDocument::parse("m.json", std::move(text));
  REQUIRE_MESSAGE(document.ok(), (document ? "" : document.error().to_string()));
  return std::move(document).value();
}

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

}  // namespace

TEST_CASE("json_reader: every kind of value is read as the file has it") {
  const JsonDocument document =
      parsed(R"({"s": "a\n\"ü\" \ud83d\ude00", "n": -1.50e3, "t": true, "f": false, "z": null,
                                          "e": {}, "l": [1, [], "x"]})");
  const JsonValue& root = document.root();
  REQUIRE(root.is_object());
  CHECK(root.members().size() == 7);
  CHECK(root.members()[0].name == "s");
  CHECK(root.find("s")->string() == "a\n\"ü\" 😀");
  CHECK(root.find("n")->number_text() == "-1.50e3");
  CHECK(root.find("t")->boolean());
  CHECK_FALSE(root.find("f")->boolean());
  CHECK(root.find("z")->is_null());
  CHECK(root.find_present("z") == nullptr);
  CHECK(root.find("none") == nullptr);
  CHECK(root.find("e")->members().empty());
  REQUIRE(root.find("l")->items().size() == 3);
  CHECK(root.find("l")->items()[2].string() == "x");
}

TEST_CASE("json_reader: a document may be one scalar") {
  CHECK(parsed(" \"a\\tb\" ").root().string() == "a\tb");
  CHECK(parsed("12 ").root().number_text() == "12");
  CHECK(parsed("1e999").root().number_text() == "1e999");
  CHECK(parsed("true").root().boolean());
  CHECK(parsed("\nnull\n").root().is_null());
}

TEST_CASE("json_reader: numbers keep digits no double holds") {
  CHECK(parsed("[123456789012345678901234567890]").root().items()[0].number_text() ==
        "123456789012345678901234567890");
}

TEST_CASE("json_reader: values outlive a move of the document") {
  JsonDocument first = parsed(R"({"a": ["\u00e9"]})");
  const JsonValue& value = first.root().find("a")->items()[0];
  const JsonDocument second = std::move(first);
  CHECK(value.string() == "é");
  CHECK(value.location().pointer == "/a/0");
}

TEST_CASE("json_reader: a value knows its place, in characters, and its pointer") {
  const JsonDocument document = parsed("{\r\n  \"ü/~x\": [1, {\"b\": \"c\"}]\r\n}");
  const JsonValue& value = *document.root().members()[0].value.items()[1].find("b");
  const JsonLocation place = value.location();
  CHECK(place.file == "m.json");
  CHECK(place.pointer == "/ü~1~0x/1/b");
  CHECK(place.line == 2);
  CHECK(place.column == 21);
  CHECK(place.line_text == "  \"ü/~x\": [1, {\"b\": \"c\"}]");
  CHECK(place.caret_column == 21);
  CHECK(value.name_location().column == 16);
  CHECK(value.name_location().pointer == "/ü~1~0x/1/b");
  CHECK(document.root().location().pointer.empty());
  CHECK(document.root().find("ü/~x")->location().pointer == "/ü~1~0x");
}

TEST_CASE("json_reader: a long line is cut around the caret") {
  const JsonDocument document = parsed("{\"a\": \"" + std::string(200, 'x') + "\", \"bb\": 12, \"c\": \"" +
                                       std::string(200, 'y') + "\"}");
  const JsonLocation place = document.root().find("bb")->location();
  CHECK(place.column == 217);
  CHECK(place.caret_column == 62);
  CHECK(place.line_text ==
        "…" + std::string(51, 'x') + "\", \"bb\": 12, \"c\": \"" + std::string(30, 'y') + "…");
  const JsonLocation start = document.root().find("a")->location();
  CHECK(start.caret_column == 7);
  CHECK(start.line_text == "{\"a\": \"" + std::string(93, 'x') + "…");
}

TEST_CASE("json_reader: in a document of one huge line only the surroundings are quoted") {
  const JsonDocument document = parsed("[\"" + std::string(1'000'000, 'x') + "\", 12]");
  const JsonLocation place = document.root().items()[1].location();
  CHECK(place.column == 1'000'006);
  CHECK(place.line_text == "…" + std::string(94, 'x') + "\", 12]");
  CHECK(place.caret_column == 99);
}

TEST_CASE("json_reader: passwords are not quoted") {
  const JsonDocument document = parsed(R"({"Password": "hunter\"2", "Port": "x"})");
  const JsonLocation place = document.root().find("Port")->location();
  CHECK(place.line_text == R"({"Password": "***", "Port": "x"})");
  CHECK(place.column == 35);
  CHECK(place.caret_column == 29);
  CHECK(document.root().find("Password")->location().caret_column == 14);
  CHECK(fault(R"({"SaslPassword": "hunter2", })") ==
        "m.json:1:27: a comma before the closing }\n"
        "    {\"SaslPassword\": \"***\", }\n"
        "                          ^ expected no comma here");
}

TEST_CASE("json_reader: what no grammar allows, with its place") {
  CHECK(fault("") == "m.json:1:1: the text is empty\n    \n    ^ expected a JSON value");
  CHECK(fault("{\"a\":1}x") ==
        "m.json:1:8: unexpected x, after the end of the document\n"
        "    {\"a\":1}x\n"
        "           ^ expected nothing more");
  CHECK(fault("[1, 2") ==
        "m.json:1:6: the text ends within the array of line 1\n"
        "    [1, 2\n"
        "         ^ expected , or ]");
  CHECK(fault("{\n  \"a\": {\n    \"b\": 1\n") ==
        "m.json:4:1: /a: the text ends within the object of line 2\n"
        "    \n"
        "    ^ expected , or }");
  CHECK(fault("[1,\n 2,\n]") ==
        "m.json:2:3: a comma before the closing ]\n"
        "     2,\n"
        "      ^ expected no comma here");
  CHECK(fault("{\"a\": 1, // why\n \"b\": 2}") ==
        "m.json:1:10: a comment, which JSON does not have\n"
        "    {\"a\": 1, // why\n"
        "             ^ expected a member's name in \"\"");
  CHECK(fault("{\"a\" 1}") ==
        "m.json:1:6: /a: unexpected 1 after a member's name\n"
        "    {\"a\" 1}\n"
        "         ^ expected :");
  CHECK(fault("{\"a\": 1 \"b\": 2}") ==
        "m.json:1:9: unexpected \"\n"
        "    {\"a\": 1 \"b\": 2}\n"
        "            ^ expected , or }");
  CHECK(fault("{\"a\": True}") ==
        "m.json:1:7: /a: unexpected True\n"
        "    {\"a\": True}\n"
        "          ^ expected a JSON value");
  CHECK(fault("{'a': 1}") ==
        "m.json:1:2: a single quotation mark\n"
        "    {'a': 1}\n"
        "     ^ expected \"");
  CHECK(fault("{“a”: 1}") ==
        "m.json:1:2: a typographic quotation mark\n"
        "    {“a”: 1}\n"
        "     ^ expected \"");
}

TEST_CASE("json_reader: other white space than JSON's own is a fault, not the end of the program") {
  for (const char* const text :
       {"[null\f]", "[true\v]", "{\"a\":null\f,\"b\":1}", "[1\f]", "\f[1]", "[1]\f"}) {
    CAPTURE(text);
    const auto document = JsonDocument::parse("m.json", text);
    REQUIRE_FALSE(document.ok());
    CHECK(document.error().code() == ErrorCode::kInvalidSettings);
    CHECK(document.error().message().find("control character U+000") != std::string::npos);
  }
}

TEST_CASE("json_reader: strings that break, with their place") {
  CHECK(fault("{\"a\": \"b\n}") ==
        "m.json:1:7: /a: the string is not closed on its line\n"
        "    {\"a\": \"b\n"
        "          ^ expected a closing \"");
  CHECK(fault("{\"a\": \"b}") ==
        "m.json:1:7: /a: the string is not closed\n"
        "    {\"a\": \"b}\n"
        "          ^ expected a closing \"");
  CHECK(fault("[\"ü\tb\"]") ==
        "m.json:1:4: /0: control character U+0009 within a string\n"
        "    [\"ü\tb\"]\n"
        "       ^ expected \\t");
  CHECK(fault("[\"C:\\dir\"]") ==
        "m.json:1:5: /0: an escape JSON does not have\n"
        "    [\"C:\\dir\"]\n"
        "        ^ expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000");
  CHECK(fault("[\"\\ud83d\"]") ==
        "m.json:1:3: /0: half of a surrogate pair\n"
        "    [\"\\ud83d\"]\n"
        "      ^ expected both halves, \\uD83D\\uDE00 for example");
  CHECK(fault("[\"Stra\xDF"
              "e\"]") ==
        "m.json:1:7: /0: invalid UTF-8, byte 0xDF\n"
        "    [\"Stra\xEF\xBF\xBD"
        "e\"]\n"
        "          ^ expected text in UTF-8");
}

TEST_CASE("json_reader: numbers that are none") {
  CHECK(fault("[01]") ==
        "m.json:1:2: /0: 01 is no JSON number\n"
        "    [01]\n"
        "     ^ expected a number without leading zeros");
  for (const char* text : {"[-]", "[1.]", "[.5]", "[1e]", "[+1]", "[0x1F]", "[1.2.3]", "[NaN]", "[--1]", "01",
                           "1 2", "-", "1x", "[1-2]", "[tru]", "[nulll]", "nul"}) {
    CAPTURE(text);
    CHECK(fault(text).find("m.json:1:") == 0);
  }
}

TEST_CASE("json_reader: a member written twice names both lines") {
  CHECK(fault("{\n  \"a\": 1,\n  \"b\": 2,\n  \"\\u0061\": 3\n}") ==
        "m.json:4:3: /a: member \"a\" is written twice, first on line 2\n"
        "      \"\\u0061\": 3\n"
        "      ^ expected each name once");
}

TEST_CASE("json_reader: nesting has a bound") {
  CHECK(parsed(nested(128)).root().items().size() == 1);
  CHECK(fault(nested(129)).find(": more than 128 levels of nesting\n") != std::string::npos);
  CHECK(fault(nested(100'000)).find(": more than 128 levels of nesting\n") != std::string::npos);
}

TEST_CASE("json_reader: other encodings are named, a byte order mark is noted") {
  CHECK(fault("\xFF\xFE{\0}\0"s) == "m.json: the text is UTF-16 (expected UTF-8)");
  CHECK(fault("\0{\0}"s) == "m.json: the text is UTF-16 (expected UTF-8)");
  CHECK(fault("{\0\0\0}\0\0\0"s) == "m.json: the text is UTF-32 (expected UTF-8)");
  const JsonDocument document = parsed("\xEF\xBB\xBF{\"a\": 1}");
  CHECK(document.had_byte_order_mark());
  CHECK(document.root().find("a")->location().column == 7);
  CHECK_FALSE(parsed("{}").had_byte_order_mark());
}

TEST_CASE("json_reader: a text of more than 64 MiB is refused") {
  CHECK(fault(std::string((std::size_t{64} << 20U) + 1, ' ')) == "m.json: more than 64 MiB of JSON");
}

TEST_CASE("json_reader: files") {
  const Result<JsonDocument> missing = JsonDocument::parse_file("/nonexistent/m.json");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code() == ErrorCode::kInvalidSettings);
  CHECK(missing.error().to_string() == "cannot read /nonexistent/m.json: No such file or directory");
  const Result<JsonDocument> directory = JsonDocument::parse_file("/");
  REQUIRE_FALSE(directory.ok());
  CHECK(directory.error().to_string() == "cannot read /: Is a directory");

  char path[] = "/tmp/json_reader_test.XXXXXX";
  const int descriptor = mkstemp(path);
  REQUIRE(descriptor >= 0);
  const std::string text = "{\"a\": [\"" + std::string(200'000, 'x') + "\"]}";
  REQUIRE(write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  close(descriptor);
  const Result<JsonDocument> document = JsonDocument::parse_file(path);
  std::remove(path);
  REQUIRE(document.ok());
  CHECK(document->root().find("a")->items()[0].string().size() == 200'000);
}
