#include "core/base/change.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace dmskafka {
namespace {

TEST_CASE("change: a batch is full at its number of records, or at its bytes") {
  ChangeBatch by_records({3, 1000});
  for (int i = 0; i < 3; ++i) {
    CHECK(!by_records.full());
    by_records.add();
  }
  CHECK(by_records.full());
  ChangeBatch by_bytes({100, 1000});
  by_bytes.store(std::string(999, 'x'));
  CHECK(!by_bytes.full());
  by_bytes.store("x");
  CHECK(by_bytes.full());
  by_bytes.clear();
  CHECK(!by_bytes.full());
  CHECK(by_bytes.bytes() == 0);
}

TEST_CASE("change: values start absent and aligned, wherever bytes ended") {
  ChangeBatch batch;
  for (std::size_t odd = 1; odd < 40; ++odd) {
    batch.allocate_bytes(odd);
    const std::span<Value> values = batch.allocate_values(3);
    CHECK(reinterpret_cast<std::uintptr_t>(values.data()) % alignof(Value) == 0);
    REQUIRE(values.size() == 3);
    for (const Value& value : values) CHECK(value.form() == ValueForm::kAbsent);
  }
  CHECK(batch.allocate_values(0).empty());
  CHECK(batch.store("").empty());
}

TEST_CASE("change: a cleared batch gives the same memory again") {
  ChangeBatch batch;
  const auto fill = [&batch] {
    std::vector<const void*> places;
    batch.clear();
    for (int i = 0; i < 2000; ++i) {
      places.push_back(batch.store(std::string(static_cast<std::size_t>(i % 700), 'x')).data());
      places.push_back(batch.allocate_values(5).data());
    }
    return places;
  };
  const auto first = fill();
  CHECK(fill() == first);
  CHECK(fill() == first);
}

TEST_CASE("change: nothing overlaps, huge values among small ones included") {
  ChangeBatch batch;
  std::mt19937 random(7);
  for (int round = 0; round < 5; ++round) {
    batch.clear();
    std::vector<std::pair<std::string_view, char>> texts;
    std::vector<std::pair<std::span<Value>, std::uint32_t>> values;
    for (std::uint32_t i = 0; i < 600; ++i) {
      const std::size_t size = random() % 50 == 0 ? 200'000 + random() % 400'000 : random() % 3000;
      const char fill = static_cast<char>('a' + i % 26);
      texts.emplace_back(batch.store(std::string(size, fill)), fill);
      const std::span<Value> row = batch.allocate_values(random() % 30);
      for (Value& value : row) value = Value(ValueForm::kText, nullptr, i);
      values.emplace_back(row, i);
    }
    std::uint64_t wrong = 0;
    for (const auto& [text, fill] : texts) wrong += text.find_first_not_of(fill) != std::string_view::npos;
    for (const auto& [row, size] : values) {
      for (const Value& value : row) wrong += value.view().size() != size || value.form() != ValueForm::kText;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("change: a row larger than the bound is still taken whole, and its memory given back") {
  ChangeBatch batch({10, 1000});
  const std::string huge(5'000'000, 'h');
  CHECK(batch.store(huge) == huge);
  CHECK(batch.full());
  batch.clear();
  const char* small = batch.store("small").data();
  CHECK(batch.bytes() == 5);
  batch.clear();
  CHECK(batch.store("small").data() == small);
}

TEST_CASE("change: a half decoded row can be taken back") {
  ChangeBatch batch;
  batch.add().transaction_record = 1;
  batch.add().transaction_record = 2;
  batch.drop_last();
  REQUIRE(batch.changes().size() == 1);
  CHECK(batch.changes()[0].transaction_record == 1);
}

TEST_CASE("change: views survive a move of the batch, and a transaction its later ones") {
  ChangeBatch batch;
  Change& change = batch.add();
  const std::span<Value> row = batch.allocate_values(1);
  row[0] = Value::text(batch.store("kept"));
  change.after = row;
  SourceTransaction& transaction = batch.add_transaction();
  transaction.id = 42;
  change.transaction = &transaction;
  for (int i = 0; i < 1000; ++i) batch.add_transaction();
  const ChangeBatch moved = std::move(batch);
  REQUIRE(moved.changes().size() == 1);
  CHECK(moved.changes()[0].after[0].view() == "kept");
  CHECK(moved.changes()[0].transaction->id == 42);
}

}  // namespace
}  // namespace dmskafka
