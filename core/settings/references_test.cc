#include "core/settings/references.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace dmskafka;  // NOLINT(google-build-using-namespace)

namespace {

std::string resolved(const std::string& text) {
  const Result<std::string> result = resolve_references(text);
  return result ? *result : "error: " + result.error().to_string();
}

}  // namespace

TEST_CASE("references: the environment") {
  setenv("REFERENCES_TEST", "a${env:HOME}b", 1);
  CHECK(resolved("x${env:REFERENCES_TEST}y${env:REFERENCES_TEST}") == "xa${env:HOME}bya${env:HOME}b");
  CHECK(resolved("${env:REFERENCES_TEST_NONE}") ==
        "error: the environment has no variable REFERENCES_TEST_NONE");
  CHECK(resolved("${env:REFERENCES_TEST") ==
        "error: a ${env: or ${file: reference is not closed (expected })");
}

TEST_CASE("references: other text stays") {
  CHECK(resolved("") == "");
  CHECK(resolved("$ {env:X} ${column} $${} }") == "$ {env:X} ${column} $${} }");
}

TEST_CASE("references: a file, without its last line break") {
  char path[] = "/tmp/references_test.XXXXXX";
  const int descriptor = mkstemp(path);
  REQUIRE(descriptor >= 0);
  REQUIRE(write(descriptor, "one\ntwo\r\n", 9) == 9);
  close(descriptor);
  CHECK(resolved("<${file:" + std::string(path) + "}>") == "<one\ntwo>");
  std::remove(path);
  CHECK(resolved("${file:/nonexistent}") == "error: cannot read /nonexistent: No such file or directory");
  CHECK(resolved("${file:/tmp}") == "error: cannot read /tmp: Is a directory");
}
