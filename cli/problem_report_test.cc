#include "cli/problem_report.h"

#include <doctest/doctest.h>

namespace dmskafka {
namespace {

JsonLocation place(const char* file, std::uint32_t line, std::uint32_t column) {
  JsonLocation location;
  location.file = file;
  location.line = line;
  location.column = column;
  location.pointer = "/rules/1";
  return location;
}

Error problem(const char* message) { return Error(ErrorCode::kInvalidMapping, message); }

TEST_CASE("problem_report: problems come in the order in which a reader meets them") {
  Problems problems;
  problems.errors.push_back(problem("late").at(place("m.json", 9, 1)));
  problems.errors.push_back(problem("nowhere"));
  problems.errors.push_back(problem("other file").at(place("a.json", 1, 1)));
  problems.warnings.push_back(problem("early").at(place("m.json", 2, 7)));
  problems.notices.push_back(problem("earlier").at(place("m.json", 2, 3)));
  std::string order;
  for (const ReportedProblem& reported : in_reading_order(problems)) {
    order += std::string(severity_name(reported.severity)) + " " + reported.error.message() + "; ";
  }
  CHECK(order == "error nowhere; notice earlier; warning early; error late; error other file; ");
}

TEST_CASE("problem_report: JSON has every part, null where there is none") {
  CHECK(
      problem_json({Severity::kWarning,
                    problem("is \"odd\"").at(place("m.json", 2, 7)).expected("even").hint("add one")}) ==
      R"({"severity":"warning","code":"invalid-mapping","file":"m.json","line":2,"column":7,"pointer":"/rules/1",)"
      R"("message":"is \"odd\"","expected":"even","hint":"add one"})");
  CHECK(
      problem_json({Severity::kError, problem("broken").while_doing("reading")}) ==
      R"({"severity":"error","code":"invalid-mapping","file":null,"line":null,"column":null,"pointer":null,)"
      R"("message":"reading: broken","expected":null,"hint":null})");
}

}  // namespace
}  // namespace dmskafka
