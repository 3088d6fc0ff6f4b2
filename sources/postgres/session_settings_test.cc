#include "sources/postgres/session_settings.h"

#include <doctest/doctest.h>

#include <string>

namespace dmskafka::postgres {
namespace {
bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("session_settings: the startup options hold only what version 10 knows") {
  const std::string options = startup_options();
  CHECK(contains(options, "-c DateStyle=ISO,MDY"));
  CHECK(contains(options, "-c TimeZone=UTC"));
  CHECK(contains(options, "-c statement_timeout=0"));
  CHECK(contains(options, "-c row_security=off"));
  for (const char* later : {"jit", "idle_session_timeout", "transaction_timeout"}) {
    CAPTURE(later);
    CHECK_FALSE(contains(options, later));
  }
}

TEST_CASE("session_settings: later settings are set where the server knows them") {
  CHECK(settings_statement(100023, "UTF8", SettingsScope::kVersionDependent).empty());
  CHECK(settings_statement(110000, "UTF8", SettingsScope::kVersionDependent) ==
        "SELECT pg_catalog.set_config('jit', 'off', false)");
  const std::string at_15 = settings_statement(150000, "UTF8", SettingsScope::kVersionDependent);
  CHECK(contains(at_15, "idle_session_timeout"));
  CHECK_FALSE(contains(at_15, "'transaction_timeout'"));
  CHECK_FALSE(contains(at_15, "DateStyle"));
  const std::string all_at_17 = settings_statement(170000, "UTF8", SettingsScope::kAll);
  CHECK(contains(all_at_17, "'transaction_timeout'"));
  CHECK(contains(all_at_17, "set_config('DateStyle', 'ISO,MDY', false)"));
  CHECK(settings_statement(100023, "SQL_ASCII", SettingsScope::kVersionDependent) ==
        "SELECT pg_catalog.set_config('client_encoding', 'SQL_ASCII', false)");
}

}  // namespace dmskafka::postgres
