#include <doctest/doctest.h>

#include <array>

#include "core/json/json_reader.h"

using namespace dmskafka;  // NOLINT(google-build-using-namespace)

namespace {
constexpr std::array<std::string_view, 5> kNames = {"MessageFormat", "MessageMaxBytes", "Topic", "Broker",
                                                    "NoHexPrefix"};
}  // namespace

TEST_CASE("nearest_name: the name that was meant") {
  CHECK(nearest_name("MesageFormat", kNames) == "MessageFormat");
  CHECK(nearest_name("message_max_bytes", kNames) == "MessageMaxBytes");
  CHECK(nearest_name("Borker", kNames) == "Broker");
  CHECK(nearest_name("Topics", kNames) == "Topic");
  CHECK(nearest_name("no-hexprefix", kNames) == "NoHexPrefix");
}

TEST_CASE("nearest_name: nothing when no name is near") {
  CHECK(nearest_name("Compression", kNames).empty());
  CHECK(nearest_name("", kNames).empty());
  CHECK(nearest_name("x", kNames).empty());
  CHECK(nearest_name(std::string(100'000, 'a'), kNames).empty());
  CHECK(nearest_name("Topic", {}).empty());
}
