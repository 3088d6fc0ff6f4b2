#include "mapping/topic_name.h"

#include <doctest/doctest.h>

#include <string>

#include "core/json/json_writer.h"

using namespace dmskafka;

namespace {

struct Read {
  std::optional<TopicName> topic;
  Problems problems;
};

Read read(const std::string& text) {
  const auto document = JsonDocument::parse("m.json", "[" + json_quoted(text) + "]");
  REQUIRE(document.ok());
  Read result;
  result.topic = TopicName::read(document->root().items()[0], result.problems);
  CHECK(result.topic.has_value() == result.problems.ok());
  return result;
}

std::string of(const std::string& text, const TableName& table) {
  const Read name = read(text);
  REQUIRE(name.topic.has_value());
  const auto topic = name.topic->of(table);
  return topic ? *topic : topic.error().message();
}

std::string refusal(const std::string& text) {
  const Read name = read(text);
  REQUIRE(name.problems.errors.size() == 1);
  return name.problems.errors[0].message();
}

}  // namespace

TEST_CASE("topic_name: a constant name is every table's") {
  CHECK(of("orders-v2", {"public", "orders"}) == "orders-v2");
  CHECK_FALSE(read("orders").topic->depends_on_table());
}

TEST_CASE("topic_name: schema and table stand where they are named, as Kafka allows them") {
  CHECK(of("${schema}.${table}", {"public", "orders"}) == "public.orders");
  CHECK(of("${table}", {"public", "Größe 1"}) == "Gr____e_1");
  CHECK(of("a.${table}", {"s", "b_c"}) == "a.b_c");  // only the literal text must not mix them
  CHECK(read("${table}").topic->depends_on_table());
}

TEST_CASE("topic_name: what can name no topic is refused when it is read") {
  CHECK(refusal("") == "kafka-target-topic \"\" is empty");
  CHECK(refusal("a/b") == "kafka-target-topic \"a/b\" may hold letters, digits, '.', '_' and '-'");
  CHECK(refusal("a_${table}.b") ==
        "kafka-target-topic \"a_${table}.b\" holds both '.' and '_', which Kafka's metrics take for one "
        "another");
  CHECK(refusal("..") == "kafka-target-topic \"..\" is no name Kafka allows");
  CHECK(refusal("${row}") == "kafka-target-topic \"${row}\" holds ${row}");
  CHECK(refusal("${table") == "kafka-target-topic \"${table\" holds ${table");
  CHECK(refusal(std::string(256, 'x')).ends_with("is too long"));
}

TEST_CASE("topic_name: above Kafka's own limit a constant is a warning, a table's name an error") {
  const Read name = read(std::string(250, 'x'));
  CHECK(name.problems.ok());
  REQUIRE(name.problems.warnings.size() == 1);
  CHECK(name.problems.warnings[0].message() == "the topic has 250 characters; Kafka itself allows 249");
  CHECK(of("${table}", {"s", std::string(249, 'x')}) == std::string(249, 'x'));
  CHECK(of("${table}", {"s", std::string(250, 'x')}) == "s." + std::string(250, 'x') +
                                                            " would have the topic \"" +
                                                            std::string(80, 'x') + "\" of 250 characters");
  CHECK(of("${schema}", {".", "t"}) == "..t would have the topic \".\" of 1 characters");
}
