#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/settings/settings_reader.h"

// Any text that stands where settings are expected is read, or refused with words: as a source endpoint, a target endpoint
// and task settings, in all the shapes in which these come.

namespace {

using dmskafka::Problems;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "settings_fuzz: %s\n", what);
  std::abort();
}

void check(const Problems& problems) {
  for (const auto* list : {&problems.errors, &problems.warnings, &problems.notices}) {
    for (const dmskafka::Error& error : *list) {
      require(error.code() != dmskafka::ErrorCode::kInternal, "a bug of our own is reported");
      require(!error.to_string().empty(), "a problem without a text");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // Anything else would be a path; and the files that a text may name are not the fuzzer's.
  if (!text.starts_with('{') || text.find("file:") != std::string::npos) return 0;
  Problems source_problems;
  const auto source = dmskafka::read_source_settings(text, source_problems);
  check(source_problems);
  Problems target_problems;
  const auto target = dmskafka::read_target_settings(text, target_problems);
  check(target_problems);
  if (target_problems.ok()) require(!target.kafka.brokers.empty(), "a target without a broker is accepted");
  for (const auto type : {dmskafka::MigrationType::kFullLoad, dmskafka::MigrationType::kFullLoadAndCdc}) {
    Problems problems;
    auto task = dmskafka::read_task_settings(text, type, problems);
    check(problems);
    if (!problems.ok()) continue;
    require(task.max_full_load_sub_tasks >= 1 && task.max_full_load_sub_tasks <= 49, "a bound is passed");
    require(task.parallel_load_threads <= task.dmskafka.max_threads, "MaxThreads is passed");
    dmskafka::check_settings_together(source, target, task, type, problems);
    check(problems);
  }
  return 0;
}
