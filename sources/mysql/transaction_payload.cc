#include "sources/mysql/transaction_payload.h"

#include <zstd.h>

#include <algorithm>

#include "sources/mysql/binlog_event.h"
#include "sources/mysql/event_reader.h"

namespace dmskafka::mysql {
namespace {

enum Field : std::uint8_t { kEnd = 0, kSize = 1, kCompression = 2, kUncompressedSize = 3 };
constexpr std::uint64_t kZstd = 0;
constexpr std::uint64_t kNone = 255;
constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kEventMax = std::size_t{1} << 31U;

Error refused(const char* why) {
  return Error(ErrorCode::kSourceRejected, std::string("a compressed transaction ") + why);
}

}  // namespace

Result<std::unique_ptr<TransactionPayload>> TransactionPayload::open(std::string_view body) {
  EventReader reader(body);
  std::uint64_t compression = kNone;
  std::uint64_t size = 0;
  while (true) {
    const std::uint64_t field = reader.length_encoded();
    if (!reader.ok()) return refused("is cut short");
    if (field == kEnd) break;
    EventReader value(reader.bytes(reader.length_encoded()));
    if (field == kSize) size = value.length_encoded();
    if (field == kCompression) compression = value.length_encoded();
    if (!reader.ok() || !value.ok()) return refused("is cut short");
  }
  if (size != reader.left()) return refused("has another size than it says");
  if (compression != kZstd && compression != kNone)
    return refused("is compressed in a way that is not known");
  std::unique_ptr<TransactionPayload> payload(new TransactionPayload());
  payload->data_ = reader.rest();
  payload->compressed_ = compression == kZstd;
  if (payload->compressed_) {
    payload->stream_ = ZSTD_createDStream();
    if (payload->stream_ == nullptr) return Error(ErrorCode::kInternal, "zstd gives no memory");
  }
  return payload;
}

TransactionPayload::~TransactionPayload() {
  if (stream_ != nullptr) ZSTD_freeDStream(static_cast<ZSTD_DStream*>(stream_));
}

/// Expands until `wanted` bytes are there; false: what is there is all, or damaged_.
bool TransactionPayload::fill(std::size_t wanted) {
  if (at_ > kPiece && at_ * 2 > buffer_.size()) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  while (buffer_.size() - at_ < wanted) {
    if (data_.empty() && !more_inside_) return false;
    if (!compressed_) {
      const std::size_t piece = std::min(data_.size(), std::max(kPiece, wanted));
      buffer_ += data_.substr(0, piece);
      data_.remove_prefix(piece);
      continue;
    }
    const std::size_t before = buffer_.size();
    buffer_.resize(before + kPiece);
    ZSTD_outBuffer out{buffer_.data() + before, kPiece, 0};
    ZSTD_inBuffer in{data_.data(), data_.size(), 0};
    const std::size_t status = ZSTD_decompressStream(static_cast<ZSTD_DStream*>(stream_), &out, &in);
    buffer_.resize(before + out.pos);
    damaged_ = ZSTD_isError(status) != 0 || (out.pos == 0 && in.pos == 0);
    if (damaged_) return false;
    data_.remove_prefix(in.pos);
    more_inside_ = out.pos == kPiece;
  }
  return true;
}

Result<std::string_view> TransactionPayload::take(std::size_t size) {
  if (!fill(size)) return refused(damaged_ ? "cannot be expanded" : "ends within an event");
  return std::string_view(buffer_).substr(at_, size);
}

Result<std::string_view> TransactionPayload::next() {
  if (!fill(1) && !damaged_) return std::string_view();
  DMSKAFKA_ASSIGN(const std::string_view head, take(EventHeader::kSize));
  const std::size_t size = parse_event_header(head).length;
  if (size < EventHeader::kSize || size > kEventMax) return refused("has an event of an impossible size");
  DMSKAFKA_ASSIGN(const std::string_view event, take(size));
  at_ += size;
  return event;
}

}  // namespace dmskafka::mysql
