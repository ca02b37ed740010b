// SPDX-License-Identifier: GPL-3.0-or-later
// Prints the page of a prepared state, for the tests that read it with a parser or a browser, and for
// pictures.
//
// Usage: print-page STATE | silent CAUSE | filled TEXT | --list | --policy
#include <capnp/message.h>

#include <cstdio>
#include <string>

#include "clients/exporter/page.h"
#include "tests/page/prepared-states.h"

namespace {

std::tm fixedTime() {
  std::tm at{};
  at.tm_year = 2026 - 1900;
  at.tm_mon = 10;
  at.tm_mday = 27;
  at.tm_wday = 5;
  at.tm_hour = 15;
  at.tm_min = 4;
  at.tm_sec = 31;
  at.tm_gmtoff = 3600;
  return at;
}

int print(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  using namespace smsd::exporter;
  const std::string what = count > 1 ? words[1] : "", text = count > 2 ? words[2] : "";
  capnp::MallocMessageBuilder message;
  auto status = message.initRoot<smsd::proto::Status>();
  if (what == "--policy") return print(contentSecurityPolicy);
  if (what == "--list") {
    for (const auto& name : preparedStates()) print(name + "\n");
    return 0;
  }
  if (what == "silent") return print(pageOf(NoAnswer{text, std::chrono::seconds(250)}, fixedTime()));
  if (what == "filled")
    fillWith(text, status);
  else if (!prepare(what, status))
    return 64;
  return print(pageOf(status.asReader(), fixedTime()));
}
