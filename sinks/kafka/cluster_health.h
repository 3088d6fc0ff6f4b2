#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/base/mutex.h"
#include "core/base/result.h"

namespace dmskafka {

/// What librdkafka last said about its connections, for the texts of our errors. Thread: any (locks itself).
class ClusterHealth {
 public:
  /// `code`: librdkafka's; `text`: its words, which begin with the broker's address.
  void note_error(int code, std::string_view text);
  /// A broker answered a request: from now on a failed TLS handshake is a broker's passing trouble.
  void note_answer();

  /// The cluster turned us away (password, certificate): waiting does not help.
  std::optional<Error> rejection() const;
  /// The last connection error's text, "" when there was none.
  std::string last_error() const;

 private:
  mutable Mutex mutex_;
  bool answered_ GUARDED_BY(mutex_) = false;
  std::optional<Error> rejection_ GUARDED_BY(mutex_);
  std::string last_error_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka
