// SPDX-License-Identifier: GPL-3.0-or-later
// bench-instructions: runs the pure rooms for callgrind to count, each with a fixed input.
//
// Started by tests/bench/instructions-guard under valgrind, which zeroes its counters where a function below
// is entered and writes them down where it is left. Each work load is counted at two sizes: the difference is
// what a unit costs, without what comes once. Prints a line for each: name, unit, the two sizes. With names
// as arguments only those; with --built-with what it was compiled with, and nothing is run. Exits 1 where a
// work load did not do the same thing each time.
#include <curl/curl.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <kj/common.h>
#include <libpq-fe.h>
#include <sqlite3.h>

#include <capnp/common.h>

#include <algorithm>
#include <pqxx/version>
#include <span>

#include "tests/bench/work-loads.h"

namespace {

using smsd::bench::WorkLoad;

constexpr std::size_t larger = 3;  // times the smaller size

std::size_t run(const WorkLoad& load, std::size_t units) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < units; ++i) sum += load.once();
  return sum;
}

}  // namespace

// By these names valgrind knows them.
extern "C" {
[[gnu::noinline]] std::size_t countedFew(const WorkLoad& load) { return run(load, load.units); }
[[gnu::noinline]] std::size_t countedMany(const WorkLoad& load) { return run(load, load.units * larger); }
}

namespace {

std::vector<WorkLoad> allLoads() {
  std::vector<WorkLoad> all;
  for (auto loads :
       {smsd::bench::formattingLoads(), smsd::bench::supervisorLoads(), smsd::bench::workerLoads()})
    all.insert(all.end(), loads.begin(), loads.end());
  return all;
}

bool wanted(const WorkLoad& load, std::span<char*> names) {
  return names.empty() || std::find(names.begin(), names.end(), load.name) != names.end();
}

/// False: it does not do the same each time.
bool count(const WorkLoad& load) {
  std::size_t one = run(load, 1);  // what is made at the first use is there now
  std::size_t few = countedFew(load), many = countedMany(load);
  fmt::print("{}\t{}\t{}\t{}\n", load.name, load.unit, load.units, load.units * larger);
  return one > 0 && few == one * load.units && many == few * larger;
}

void printBuild() {
#ifdef __clang__
  fmt::print("compiler\tclang++ {}\n", __clang_version__);
#else
  fmt::print("compiler\tg++ {}.{}.{}\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
  fmt::print("build\t{}\n", SMSD_BUILD);
  fmt::print("glibc\t{}\n", gnu_get_libc_version());
  fmt::print("capnproto\t{}.{}.{}\n", CAPNP_VERSION_MAJOR, CAPNP_VERSION_MINOR, CAPNP_VERSION_MICRO);
  fmt::print("fmt\t{}\n", FMT_VERSION);
  fmt::print("libcurl\t{}\n", curl_version_info(CURLVERSION_NOW)->version);
  fmt::print("libpq\t{}\n", PQlibVersion());
  fmt::print("libpqxx\t{}\n", PQXX_VERSION);
  fmt::print("sqlite\t{}\n", sqlite3_libversion());
}

}  // namespace

int main(int argc, char** argv) {
  std::span<char*> names(argv + 1, static_cast<std::size_t>(argc - 1));
  if (names.size() == 1 && std::string_view(names[0]) == "--built-with") {
    printBuild();
    return 0;
  }
  // callgrind does not zero where it meets a function for the first time: the first two counts are nobody's.
  const WorkLoad nothing{"nothing", "", 1, []() { return std::size_t{1}; }};
  if (countedFew(nothing) * larger != countedMany(nothing)) return 1;
  int status = 0;
  for (auto& load : allLoads()) {
    if (!wanted(load, names) || count(load)) continue;
    fmt::print(stderr, "{}: did not do the same each time\n", load.name);
    status = 1;
  }
  return status;
}
