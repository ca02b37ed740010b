// SPDX-License-Identifier: GPL-3.0-or-later
// bench-limits: arguments. The limits themselves are in limits.h.
#include "tests/bench/limits.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  namespace bench = smsd::bench;
  CLI::App app("What this machine can do with nothing of smsd around it.", "bench-limits");
  app.require_subcommand(1);
  std::string dsn, url;
  unsigned count = 20'000, batch = 500, inFlight = 32;
  auto* chain = app.add_subcommand("chain", "claim, GET, mark, until ended");
  auto* mark = app.add_subcommand("mark", "rows of smsq that become Y");
  auto* http = app.add_subcommand("http", "GETs over curl_multi");
  auto* rpc = app.add_subcommand("rpc", "batches of SMS over Cap'n Proto to another process");
  for (auto* sub : {chain, mark}) sub->add_option("--dsn", dsn, "libpq's connection string")->required();
  for (auto* sub : {chain, http}) {
    sub->add_option("--url", url, "the gateway")->required();
    sub->add_option("--in-flight", inFlight, "requests at once")->capture_default_str();
  }
  for (auto* sub : {chain, mark, rpc})
    sub->add_option("--batch", batch, "recipients a transaction or call")->capture_default_str();
  for (auto* sub : {mark, http, rpc})
    sub->add_option("--count", count, "how many in all")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    if (chain->parsed()) bench::chain(dsn, url, batch, inFlight);
    if (mark->parsed()) bench::mark(dsn, count, batch);
    if (http->parsed()) bench::http(url, count, inFlight);
    if (rpc->parsed()) bench::rpc(count, batch);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
