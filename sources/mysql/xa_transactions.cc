#include "sources/mysql/xa_transactions.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace dmskafka::mysql {
namespace {

constexpr std::size_t kMemoryMax = 4 << 20;

Error no_file(const char* what) {
  return Error(ErrorCode::kInternal, std::string("the rows of a prepared transaction (XA) cannot be kept: ") +
                                         what + ": " + std::strerror(errno))
      .hint("make room in the folder that TMPDIR names");
}

}  // namespace

Result<void> XaTransactions::Spool::append(std::string_view event) {
  const auto size = static_cast<std::uint32_t>(event.size());
  memory_.append(reinterpret_cast<const char*>(&size), sizeof size);
  memory_.append(event);
  if (memory_.size() < kMemoryMax) return {};
  return spill();
}

Result<void> XaTransactions::Spool::spill() {
  if (file_ == nullptr) file_.reset(std::tmpfile());
  if (file_ == nullptr) return no_file("no temporary file");
  if (std::fwrite(memory_.data(), 1, memory_.size(), file_.get()) != memory_.size())
    return no_file("writing");
  memory_.clear();
  return {};
}

Result<void> XaTransactions::Spool::rewind() {
  at_ = 0;
  if (file_ == nullptr) return {};
  DMSKAFKA_TRY(spill());
  if (std::fflush(file_.get()) != 0 || std::fseek(file_.get(), 0, SEEK_SET) != 0) return no_file("reading");
  return {};
}

Result<std::string_view> XaTransactions::Spool::next() {
  std::uint32_t size = 0;
  if (file_ == nullptr) {
    if (at_ == memory_.size()) return std::string_view();
    std::memcpy(&size, memory_.data() + at_, sizeof size);
    const std::string_view event = std::string_view(memory_).substr(at_ + sizeof size, size);
    at_ += sizeof size + size;
    return event;
  }
  if (std::fread(&size, sizeof size, 1, file_.get()) != 1) {
    if (std::ferror(file_.get()) != 0) return no_file("reading");
    return std::string_view();
  }
  event_.resize(size);
  if (std::fread(event_.data(), 1, size, file_.get()) != size) return no_file("reading");
  return std::string_view(event_);
}

void XaTransactions::open(const std::string& xid, Start start) {
  transactions_[xid] = Transaction{std::move(start), ++count_, std::make_unique<Spool>()};
  open_ = xid;
}

std::unique_ptr<XaTransactions::Spool> XaTransactions::take(const std::string& xid) {
  const auto found = transactions_.find(xid);
  if (found == transactions_.end()) return nullptr;
  auto spool = std::move(found->second.spool);
  transactions_.erase(found);
  return spool;
}

const XaTransactions::Start* XaTransactions::oldest() const {
  const auto first = std::ranges::min_element(
      transactions_, {}, [](const auto& transaction) { return transaction.second.number; });
  return first == transactions_.end() ? nullptr : &first->second.start;
}

}  // namespace dmskafka::mysql
