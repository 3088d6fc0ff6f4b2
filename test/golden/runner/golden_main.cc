// Runs golden cases: golden_test [--update] CASE_DIRECTORY…
//
// A case is a directory with settings.json (KafkaSettings), optionally task-settings.json and mapping.json, table.json
// (golden_case.h) and expected.txt. Without table.json, expected.txt holds what the mapping's problems print: the cases
// called fail-…. Exit: 0 equal; 1 different; 2 a case that cannot be run.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "core/json/json_writer.h"
#include "core/settings/settings_reader.h"
#include "core/task/schema_difference.h"
#include "mapping/table_mapping.h"
#include "test/golden/runner/golden_case.h"

using namespace dmskafka;
namespace fs = std::filesystem;

namespace {

std::string file_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void print_problems(std::string_view kind, const std::vector<Error>& problems, std::string& out) {
  for (const Error& problem : problems) out += fmt::format("{}: {}\n", kind, problem.to_string());
}

// The settings of the case; exits when they have problems, which are another test's business.
MappingContext context_of(const fs::path& directory) {
  Problems problems;
  MappingContext context;
  const fs::path task_settings = directory / "task-settings.json";
  if (fs::exists(directory / "settings.json")) {
    context.kafka = read_target_settings((directory / "settings.json").string(), problems).kafka;
  }
  if (fs::exists(task_settings)) {
    context.task = read_task_settings(task_settings.string(), MigrationType::kFullLoadAndCdc, problems);
  }
  if (!problems.ok()) {
    std::string text;
    print_problems("error", problems.errors, text);
    std::fputs(text.c_str(), stderr);
    std::exit(2);
  }
  return context;
}

// Null with its problems in `out`. The mapping is named without its directory, so that messages are the same everywhere.
std::unique_ptr<Planner> planner_of(const fs::path& directory, const MappingContext& context,
                                    std::string& out) {
  const fs::path file = directory / "mapping.json";
  if (!fs::exists(file)) return compile_default_mapping(context);
  Problems problems;
  std::unique_ptr<Planner> planner;
  if (const auto document = JsonDocument::parse("mapping.json", file_text(file)); document) {
    planner = compile_table_mapping(*document, context, problems);
  } else {
    problems.errors.push_back(document.error());
  }
  print_problems("error", problems.errors, out);
  print_problems("warning", problems.warnings, out);
  print_problems("notice", problems.notices, out);
  return planner;
}

void print_message(const TablePlan& plan, const EncodedMessage& message, std::string& out) {
  out += fmt::format("-- topic {}, key {}", plan.topic(), json_quoted(message.key.view()));
  if (message.replaced_characters != 0) out += fmt::format(", replaced {}", message.replaced_characters);
  if (message.failed_expressions != 0) out += fmt::format(", failed {}", message.failed_expressions);
  if (message.cut_values != 0) out += fmt::format(", cut {}", message.cut_values);
  if (message.zero_dates != 0) out += fmt::format(", zero dates {}", message.zero_dates);
  if (message.incomplete_keys != 0) out += ", the key is incomplete";
  out += fmt::format("\n{}\n", message.value.view());
}

// What only several tables together show.
void print_catalog(const GoldenCase& golden, const Planner& planner, std::string& out) {
  if (golden.catalog.empty()) return;
  print_problems("warning", planner.idle_rules(golden.catalog), out);
  std::vector<std::unique_ptr<const TablePlan>> plans;
  std::vector<const TablePlan*> pointers;
  for (const SelectedTable& table : planner.select(golden.catalog)) {
    auto schema = std::make_shared<TableSchema>(*golden.schema);
    schema->name = table.name;
    schema->kind = table.kind;
    auto plan = planner.plan(std::move(schema));
    if (!plan) {
      out += plan.error().to_string() + "\n";
      continue;
    }
    pointers.push_back(plan->get());
    plans.push_back(std::move(*plan));
  }
  print_problems("error", planner.clashes(pointers), out);
}

void print_change(const TablePlan& plan, Change change, WallTime now, std::string& out) {
  EncodedMessage message;
  if (change.operation == Operation::kLoad) {
    if (!plan.selects(change)) {
      out += "-- left out by a filter\n";
      return;
    }
  } else {
    switch (plan.disposition(change)) {
      case Disposition::kSend: break;
      case Disposition::kSendAsDelete: change = deletion_of(change); break;
      case Disposition::kLeaveOut: out += "-- left out by a filter\n"; return;
      case Disposition::kLeaveOutUnseen: out += "-- left out by a filter, the old row unseen\n"; return;
    }
  }
  if (plan.encode_old_key(change, now, message)) {
    out += fmt::format("-- the key was {}\n", json_quoted(message.key.view()));
  }
  message.clear();
  EncodedMessage key;
  plan.encode(change, now, message);
  plan.encode_key(change, now, key);
  if (key.key.view() != message.key.view()) {
    out += fmt::format("-- encode_key gives {}\n", json_quoted(key.key.view()));
  }
  print_message(plan, message, out);
}

std::string_view event_name(ControlOperation operation) {
  switch (operation) {
    case ControlOperation::kDropTable: return "drop-table";
    case ControlOperation::kCreateTable: return "create-table";
    case ControlOperation::kAddColumn: return "add-column";
    case ControlOperation::kDropColumn: return "drop-column";
    case ControlOperation::kRenameColumn: return "rename-column";
    case ControlOperation::kColumnTypeChange: return "column-type-change";
    case ControlOperation::kChangeColumns: return "change-columns";
    case ControlOperation::kRenameTable: return "rename-table";
    case ControlOperation::kTruncateTable: return "truncate-table";
  }
  return "";
}

// The plans of a table's versions, as following its changes makes them.
class RecordPrinter {
 public:
  RecordPrinter(const Planner& planner, std::unique_ptr<const TablePlan> plan, WallTime now, std::string& out)
      : planner_(planner), plan_(std::move(plan)), now_(now), out_(out) {}

  void print(const GoldenRecord& record) {
    EncodedMessage message;
    if (record.start) {
      for (const TaskMessage& sent : planner_.start_messages(*record.start, now_)) {
        out_ += fmt::format("-- topic {}, key {}\n{}\n", sent.topic, json_quoted(sent.key), sent.value);
      }
    } else if (record.altered) {
      alter(record.altered);
    } else if (record.control || record.event) {
      if (record.event && !sends(*record.event)) return;
      plan_->encode_control(record.control ? *record.control : *record.event, now_, message);
      print_message(*plan_, message, out_);
    } else {
      print_change(*plan_, record.change, now_, out_);
    }
  }

 private:
  bool sends(ControlOperation operation) {
    const bool sends = planner_.sends_in_cdc(operation);
    if (!sends) out_ += fmt::format("-- {} is not sent\n", event_name(operation));
    return sends;
  }

  void alter(const std::shared_ptr<const TableSchema>& schema) {
    auto plan = planner_.plan(schema);
    if (!plan) {
      out_ += plan.error().to_string() + "\n";
      return;
    }
    const auto steps = schema_difference(plan_->shown_schema(), (*plan)->shown_schema());
    if (steps.empty()) out_ += "-- nothing that a consumer sees\n";
    plan_ = std::move(*plan);
    for (const SchemaStep& step : steps) {
      if (!sends(step.operation)) continue;
      EncodedMessage message;
      plan_->encode_alteration(step, now_, message);
      print_message(*plan_, message, out_);
    }
  }

  const Planner& planner_;
  std::unique_ptr<const TablePlan> plan_;
  const WallTime now_;
  std::string& out_;
};

std::string run_case(const fs::path& directory) {
  std::string out;
  MappingContext context = context_of(directory);
  std::unique_ptr<GoldenCase> golden;
  if (fs::exists(directory / "table.json")) {
    auto read = GoldenCase::read(directory / "table.json");
    if (!read) {
      std::fprintf(stderr, "%s\n", read.error().to_string().c_str());
      std::exit(2);
    }
    golden = std::move(*read);
    context.task_id = golden->task_id;
    if (golden->follows_changes()) context.migration_type = MigrationType::kFullLoadAndCdc;
  }
  const auto planner = planner_of(directory, context, out);
  if (planner == nullptr || golden == nullptr) return out;
  print_catalog(*golden, *planner, out);
  auto plan = planner->plan(golden->schema);
  if (plan) {
    print_problems("warning", (*plan)->warnings(), out);
    for (const std::string& remark : (*plan)->remarks()) {
      if (context.migration_type != MigrationType::kFullLoad) out += fmt::format("-- {}\n", remark);
    }
    RecordPrinter printer(*planner, std::move(*plan), golden->timestamp, out);
    for (const GoldenRecord& record : golden->records) printer.print(record);
  } else {
    out += plan.error().to_string() + "\n";
  }
  return out;
}

bool differs(const fs::path& directory, const std::string& expected, const std::string& actual) {
  if (expected == actual) return false;
  std::istringstream expected_lines(expected);
  std::istringstream actual_lines(actual);
  std::string expected_line;
  std::string actual_line;
  for (int line = 1;; ++line) {
    const bool more_expected = static_cast<bool>(std::getline(expected_lines, expected_line));
    const bool more_actual = static_cast<bool>(std::getline(actual_lines, actual_line));
    if (more_expected && more_actual && expected_line == actual_line) continue;
    std::fprintf(stderr, "%s/expected.txt:%d:\n  expected: %s\n  actual:   %s\n", directory.c_str(), line,
                 more_expected ? expected_line.c_str() : "(nothing)",
                 more_actual ? actual_line.c_str() : "(nothing)");
    return true;
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool update = false;
  bool different = false;
  int cases = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--update") {
      update = true;
      continue;
    }
    ++cases;
    const fs::path directory = argv[i];
    const std::string actual = run_case(directory);
    if (update) {
      std::ofstream(directory / "expected.txt", std::ios::binary) << actual;
    } else if (differs(directory, file_text(directory / "expected.txt"), actual)) {
      different = true;
    }
  }
  if (cases == 0) std::fputs("usage: golden_test [--update] CASE_DIRECTORY...\n", stderr);
  return cases == 0 ? 2 : different ? 1 : 0;
}
