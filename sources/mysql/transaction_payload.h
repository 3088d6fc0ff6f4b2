#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dmskafka::mysql {

/// The events inside a TRANSACTION_PAYLOAD, one after the other. Fields (type, size, value; all length-encoded): 1 size of the data,
/// 2 compression (0 zstd, 255 none), 3 size of what is compressed, 0 the end; then the data. The data is expanded piece by
/// piece, since a transaction may be larger than memory. Thread: one at a time.
class TransactionPayload {
 public:
  /// `body` outlives it. Errors: kSourceRejected.
  static Result<std::unique_ptr<TransactionPayload>> open(std::string_view body);
  ~TransactionPayload();
  TransactionPayload(const TransactionPayload&) = delete;
  TransactionPayload& operator=(const TransactionPayload&) = delete;

  /// The next event, header included, without a checksum; it lives until the next call. Empty: there are no more.
  /// Errors: kSourceRejected.
  Result<std::string_view> next();

 private:
  TransactionPayload() = default;
  bool fill(std::size_t wanted);
  Result<std::string_view> take(std::size_t size);

  std::string_view data_;  // not expanded yet
  bool compressed_ = false;
  bool more_inside_ = false;  // zstd holds what it has not written yet
  bool damaged_ = false;
  void* stream_ = nullptr;
  std::string buffer_;
  std::size_t at_ = 0;  // of the next event in it
};

}  // namespace dmskafka::mysql
