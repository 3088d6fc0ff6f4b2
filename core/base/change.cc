#include "core/base/change.h"

#include <cstring>
#include <new>

namespace dmskafka {
namespace {
constexpr std::size_t kBlockBytes = 256 * 1024;
}

void ChangeBatch::clear() noexcept {
  changes_.clear();
  transactions_.clear();
  // A huge value's block is given back, and the number kept is what an ordinary batch needs.
  std::size_t kept = 0;
  std::size_t kept_bytes = 0;
  for (Block& block : blocks_) {
    if (block.size != kBlockBytes || kept_bytes >= limits_.bytes_max + kBlockBytes) continue;
    kept_bytes += block.size;
    if (&blocks_[kept] != &block) blocks_[kept] = std::move(block);
    ++kept;
  }
  blocks_.resize(kept);
  block_ = 0;
  offset_ = 0;
  bytes_ = 0;
}

void* ChangeBatch::allocate(std::size_t size, std::size_t alignment) {
  bytes_ += size;
  while (block_ < blocks_.size()) {
    const std::size_t start = (offset_ + alignment - 1) / alignment * alignment;
    if (start + size <= blocks_[block_].size) {
      offset_ = start + size;
      return blocks_[block_].bytes.get() + start;
    }
    if (size > kBlockBytes) break;  // its own block; the one in use goes on being filled
    ++block_;
    offset_ = 0;
  }
  if (size > kBlockBytes) {
    blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(block_),
                   Block{std::unique_ptr<std::byte[]>(new std::byte[size]), size});
    return blocks_[block_++].bytes.get();
  }
  blocks_.push_back(Block{std::unique_ptr<std::byte[]>(new std::byte[kBlockBytes]), kBlockBytes});
  block_ = blocks_.size() - 1;
  offset_ = size;
  return blocks_[block_].bytes.get();
}

std::span<Value> ChangeBatch::allocate_values(std::size_t count) {
  Value* values = static_cast<Value*>(allocate(count * sizeof(Value), alignof(Value)));
  for (std::size_t i = 0; i < count; ++i) new (values + i) Value();
  return {values, count};
}

std::span<const std::uint32_t> ChangeBatch::store_columns(std::span<const std::uint32_t> columns) {
  auto* const copy = static_cast<std::uint32_t*>(allocate(columns.size_bytes(), alignof(std::uint32_t)));
  if (!columns.empty()) std::memcpy(copy, columns.data(), columns.size_bytes());
  return {copy, columns.size()};
}

std::string_view ChangeBatch::store(std::string_view bytes) {
  char* copy = allocate_bytes(bytes.size());
  if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  return {copy, bytes.size()};
}

SourceTransaction& ChangeBatch::add_transaction() {
  return *transactions_.emplace_back(std::make_unique<SourceTransaction>());
}

}  // namespace dmskafka
