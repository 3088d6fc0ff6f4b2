#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dmskafka::postgres {

/// Heap pages [first, end) of a table and, where it is partitioned, of each of its leaves. The last range of a table is open:
/// the file may grow while it is read.
struct PageRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> end;
  friend bool operator==(const PageRange&, const PageRange&) = default;
};

/// What a segment reads: pages, or only those rows of pages that are not older than a snapshot.
///   pages 0-2048
///   pages 2048-
///   touched since 731: pages 0-2048,4096-
struct CtidSegment {
  std::vector<PageRange> pages;
  std::optional<std::uint32_t>
      touched_since;  ///< xmin of the snapshot that read the pages before, modulo 2^32
  friend bool operator==(const CtidSegment&, const CtidSegment&) = default;
};

/// The text that is stored and shown. REQUIRES: at least one range.
std::string print_ctid_segment(const CtidSegment& segment);
/// Errors: kStateFile: the text is none of ours.
Result<CtidSegment> parse_ctid_segment(std::string_view text);

/// The condition for a WHERE clause; needs TID range scans (PostgreSQL 14) to be fast.
std::string ctid_condition(const CtidSegment& segment);

/// Cuts `pages_max` pages (of the largest leaf) into ranges so that each holds about `bytes_wanted` of `bytes_total`.
std::vector<PageRange> cut_pages(std::uint64_t pages_max, std::uint64_t bytes_total,
                                 std::uint64_t bytes_wanted);

/// Neighbours joined. REQUIRES: sorted and disjoint.
std::vector<PageRange> join_ranges(const std::vector<PageRange>& ranges);

/// What a stored plan remembers of its table and of the snapshot that first read it.
struct PlanToken {
  std::uint32_t snapshot_xmin = 0;
  std::string files;  ///< "oid:relfilenode,…" of the table and its leaves: a rewrite changes it
  friend bool operator==(const PlanToken&, const PlanToken&) = default;
};
std::string print_plan_token(const PlanToken& token);
/// Errors: kStateFile.
Result<PlanToken> parse_plan_token(std::string_view text);

}  // namespace dmskafka::postgres
