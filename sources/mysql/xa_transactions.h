#pragma once
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dmskafka::mysql {

/// Transactions that were prepared (XA PREPARE) and neither committed nor rolled back: their row events, kept until it is known
/// which. Large ones are kept in a temporary file. Thread: one at a time.
class XaTransactions {
 public:
  /// The events of one transaction, in order.
  class Spool {
   public:
    /// Errors: kInternal: no temporary file can be written.
    Result<void> append(std::string_view event);
    /// From the first one again.
    Result<void> rewind();
    /// Lives until the next call; empty: there are no more.
    Result<std::string_view> next();

   private:
    struct Close {
      void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
    };
    Result<void> spill();

    std::string memory_;
    std::size_t at_ = 0;
    std::unique_ptr<std::FILE, Close> file_;
    std::string event_;
  };

  /// Where a transaction's events begin: from there the log must be read again after a restart.
  struct Start {
    std::string file;
    std::uint64_t offset = 4;
    std::string gtid;
  };

  /// The transaction whose rows come now.
  void open(const std::string& xid, Start start);
  Result<void> append(std::string_view event) { return transactions_.at(open_).spool->append(event); }
  /// Takes the transaction out; null: it is not known.
  std::unique_ptr<Spool> take(const std::string& xid);
  /// Of the oldest one; null: there is none.
  const Start* oldest() const;

 private:
  struct Transaction {
    Start start;
    std::uint64_t number = 0;
    std::unique_ptr<Spool> spool;
  };
  std::map<std::string, Transaction> transactions_;
  std::string open_;
  std::uint64_t count_ = 0;
};

}  // namespace dmskafka::mysql
