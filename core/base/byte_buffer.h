#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace dmskafka {

/// A growing run of bytes that is filled, sent and cleared again without giving its memory back: the place
/// where a message is written. Growth is amortised, memory is not zeroed. Thread: one at a time.
class ByteBuffer {
 public:
  /// Makes room for `size` more bytes and returns where they go; nothing counts until advance().
  char* reserve(std::size_t size) {
    if (capacity_ - size_ < size) grow(size);
    return bytes_.get() + size_;
  }
  /// Takes `size` bytes written at reserve() into the content. REQUIRES: they were reserved.
  void advance(std::size_t size) noexcept { size_ += size; }
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(reserve(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) {
    *reserve(1) = c;
    ++size_;
  }
  void truncate(std::size_t size) noexcept { size_ = size; }
  void clear() noexcept { size_ = 0; }
  /// Gives memory above `capacity_max` back; call between messages so that one huge value is not kept for
  /// ever.
  void shrink(std::size_t capacity_max) {
    if (capacity_ > capacity_max && size_ == 0) {
      bytes_.reset();
      capacity_ = 0;
    }
  }

  char* data() noexcept { return bytes_.get(); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept { return {bytes_.get(), size_}; }

 private:
  void grow(std::size_t size) {
    const std::size_t capacity = std::max({std::size_t{256}, size_ + size, capacity_ + capacity_ / 2});
    std::unique_ptr<char[]> bytes(new char[capacity]);
    if (size_ != 0) std::memcpy(bytes.get(), bytes_.get(), size_);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace dmskafka
