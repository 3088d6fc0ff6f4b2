#include "cli/progress_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/figures.h"
#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;
constexpr auto kRateWindow = 10s;

// A name cut to `width` characters; UTF-8 is cut between characters.
std::string fitted(const std::string& name, std::size_t width) {
  std::size_t characters = 0;
  std::size_t cut = name.size();  // where the first width-1 characters end
  for (std::size_t i = 0; i < name.size(); ++i) {
    if ((static_cast<unsigned char>(name[i]) & 0xC0U) == 0x80U) continue;
    if (characters + 1 == width) cut = i;
    ++characters;
  }
  if (characters <= width) return name + std::string(width - characters, ' ');
  return name.substr(0, cut) + "…";
}

std::string rate_text(const FlowFigures& flow) {
  return fmt::format("{:>9} rows/s {:>8}/s",
                     count_text(static_cast<std::uint64_t>(std::llround(flow.rows_per_second))),
                     bytes_text(flow.bytes_per_second));
}

std::string left_text(const FlowFigures& flow) {
  const auto left = flow.left();
  return left ? fmt::format("  {} left", duration_text(*left)) : std::string();
}

std::string flow_line(const std::string& name, std::size_t name_width, const FlowFigures& flow) {
  const std::string percent = flow.percent() ? fmt::format("{:>3} %", *flow.percent()) : "     ";
  return fmt::format("{}  {:>13} rows  {}  {}{}", fitted(name, name_width), count_text(flow.rows), percent,
                     rate_text(flow), left_text(flow));
}

std::string whole_name(const ProgressFigures& figures) {
  std::string name = fmt::format("{} of {}", figures.tables_done, counted(figures.tables, "table", "tables"));
  if (figures.tables_in_error != 0) name += fmt::format(", {} in error", figures.tables_in_error);
  return name;
}

// "12,345 changes, 1,002 changes/s, 1.20 MB and 0.3 s behind, checkpoint 0/16B3748 (12:12:13Z)".
std::string following_line(const ProgressFigures& figures) {
  const FollowingProgress& following = *figures.following;
  std::string line =
      fmt::format("{}, {} changes/s", counted(following.changes, "change", "changes"),
                  count_text(static_cast<std::uint64_t>(std::llround(figures.changes_per_second))));
  if (following.lag_bytes) {
    line += fmt::format(", {} and {:.1f} s behind", bytes_text(static_cast<double>(*following.lag_bytes)),
                        following.lag_seconds);
  } else {
    line += fmt::format(", {:.1f} s behind", following.lag_seconds);
  }
  if (following.checkpoint_time.microseconds != 0) {
    std::array<char, kIso8601Size> stamp{};
    format_iso8601(following.checkpoint_time, stamp.data());
    line +=
        fmt::format(", checkpoint {} ({}Z)", following.checkpoint, std::string_view(stamp.data() + 11, 8));
  }
  if (figures.rows_failed != 0) line += fmt::format(", {} not delivered", count_text(figures.rows_failed));
  if (!figures.phase.empty()) line += "; " + figures.phase;
  return line;
}

}  // namespace

std::optional<int> FlowFigures::percent() const {
  if (rows_estimate == 0) return std::nullopt;
  const double share = static_cast<double>(rows) / static_cast<double>(rows_estimate);
  return std::min(99, static_cast<int>(share * 100));
}

std::optional<std::chrono::seconds> FlowFigures::left() const {
  if (rows_estimate <= rows || rows_per_second < 1) return std::nullopt;
  return std::chrono::seconds(std::llround(static_cast<double>(rows_estimate - rows) / rows_per_second));
}

void ProgressMeter::set_rates(Track& track, FlowFigures& flow, Clock::time_point now) {
  // A load that begins again counts from what was done.
  if (!track.empty() && (flow.rows < track.back().rows || flow.bytes < track.back().bytes)) track.clear();
  track.push_back(Mark{now, flow.rows, flow.bytes});
  while (track.size() > 2 && now - track[1].time >= kRateWindow) track.pop_front();
  const double seconds = std::chrono::duration<double>(now - track.front().time).count();
  if (seconds <= 0) return;
  flow.rows_per_second = static_cast<double>(flow.rows - track.front().rows) / seconds;
  flow.bytes_per_second = static_cast<double>(flow.bytes - track.front().bytes) / seconds;
}

ProgressFigures ProgressMeter::sample(const TaskProgress& progress, Clock::time_point now) {
  ProgressFigures figures;
  figures.phase = progress.phase();
  if (!progress.ready.load()) return figures;
  figures.following = progress.following();
  if (figures.following) {
    FlowFigures changes;
    changes.rows = figures.following->changes;
    set_rates(changes_, changes, now);
    figures.changes_per_second = changes.rows_per_second;
  }
  bool all_estimated = true;
  for (const TableProgress* listed : progress.table_list()) {
    const TableProgress& table = *listed;
    const TableState state = table.state.load();
    FlowFigures flow;
    flow.rows = table.rows_delivered.load();
    flow.bytes = table.bytes_delivered.load();
    flow.rows_estimate = table.rows_estimate;
    ++figures.tables;
    figures.tables_done += state == TableState::kTableCompleted ? 1U : 0U;
    figures.tables_in_error += state == TableState::kTableError ? 1U : 0U;
    figures.rows_failed += table.rows_failed.load();
    figures.flow.rows += flow.rows;
    figures.flow.bytes += flow.bytes;
    // What a finished table had is known; its estimate would only make the whole wrong.
    const bool ended = state == TableState::kTableCompleted || state == TableState::kTableError;
    figures.flow.rows_estimate += ended ? flow.rows : std::max(flow.rows_estimate, flow.rows);
    all_estimated = all_estimated && (ended || flow.rows_estimate != 0);
    if (state != TableState::kFullLoad) continue;
    const std::string name = table.name.text();
    set_rates(tables_[name], flow, now);
    figures.in_work.push_back({name, flow});
  }
  if (!all_estimated) figures.flow.rows_estimate = 0;
  set_rates(whole_, figures.flow, now);
  return figures;
}

std::vector<std::string> progress_block(const ProgressFigures& figures, std::size_t columns,
                                        std::size_t rows_max) {
  if (figures.following) return {following_line(figures)};
  if (figures.tables == 0) return {figures.phase.empty() ? std::string("starting") : figures.phase};
  // Beside the name: rows, percent, rates and the time left take 66 characters.
  const std::size_t name_width = std::clamp<std::size_t>(columns > 66 ? columns - 66 : 0, 16, 40);
  std::vector<std::string> lines;
  const std::size_t room = std::max<std::size_t>(rows_max, 2) - 1;
  const std::size_t shown = figures.in_work.size() <= room ? figures.in_work.size() : room - 1;
  for (std::size_t i = 0; i < shown; ++i) {
    lines.push_back(flow_line(figures.in_work[i].name, name_width, figures.in_work[i].flow));
  }
  if (shown < figures.in_work.size())
    lines.push_back(fmt::format("and {} more", figures.in_work.size() - shown));
  std::string whole = flow_line(whole_name(figures), name_width, figures.flow);
  if (!figures.phase.empty()) whole += "  " + figures.phase;
  lines.push_back(std::move(whole));
  return lines;
}

std::string progress_line(const ProgressFigures& figures) {
  if (figures.following) return following_line(figures);
  if (figures.tables == 0) return figures.phase.empty() ? "starting" : figures.phase;
  if (figures.flow.rows == 0 && !figures.phase.empty())
    return fmt::format("{}: {}", whole_name(figures), figures.phase);
  std::string line = fmt::format("{}: {}", whole_name(figures), counted(figures.flow.rows, "row", "rows"));
  if (figures.flow.percent()) line += fmt::format(" ({} %)", *figures.flow.percent());
  line += fmt::format(", {}, {} rows/s, {}/s", bytes_text(static_cast<double>(figures.flow.bytes)),
                      count_text(static_cast<std::uint64_t>(std::llround(figures.flow.rows_per_second))),
                      bytes_text(figures.flow.bytes_per_second));
  if (const auto left = figures.flow.left()) line += fmt::format(", {} left", duration_text(*left));
  if (figures.rows_failed != 0) line += fmt::format(", {} not delivered", count_text(figures.rows_failed));
  if (!figures.phase.empty()) line += "; " + figures.phase;
  return line;
}

std::string progress_json_members(const ProgressFigures& figures) {
  if (figures.following) {
    const FollowingProgress& following = *figures.following;
    return fmt::format(
        ",\"event\":\"cdc-progress\",\"phase\":{},\"changes\":{},\"changes_per_second\":{:.0f},\"lag_bytes\":"
        "{},"
        "\"lag_seconds\":{:.3f},\"checkpoint\":{},\"rows_failed\":{}",
        json_quoted(figures.phase), following.changes, figures.changes_per_second,
        following.lag_bytes ? std::to_string(*following.lag_bytes) : "null", following.lag_seconds,
        json_quoted(following.checkpoint), figures.rows_failed);
  }
  std::string out = fmt::format(
      ",\"event\":\"progress\",\"phase\":{},\"tables\":{},\"tables_done\":{},\"tables_in_error\":{},\"rows\":"
      "{},\"bytes\":{},"
      "\"rows_failed\":{},\"rows_per_second\":{:.0f},\"bytes_per_second\":{:.0f},\"rows_estimate\":{}",
      json_quoted(figures.phase), figures.tables, figures.tables_done, figures.tables_in_error,
      figures.flow.rows, figures.flow.bytes, figures.rows_failed, figures.flow.rows_per_second,
      figures.flow.bytes_per_second,
      figures.flow.rows_estimate == 0 ? std::string("null") : std::to_string(figures.flow.rows_estimate));
  if (const auto left = figures.flow.left()) out += fmt::format(",\"seconds_left\":{}", left->count());
  out += ",\"in_work\":[";
  for (const ProgressFigures::Table& table : figures.in_work) {
    out += fmt::format("{}{{\"table\":{},\"rows\":{},\"bytes\":{},\"rows_per_second\":{:.0f}}}",
                       out.back() == '[' ? "" : ",", json_quoted(table.name), table.flow.rows,
                       table.flow.bytes, table.flow.rows_per_second);
  }
  return out + "]";
}

}  // namespace dmskafka
