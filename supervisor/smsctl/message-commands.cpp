// SPDX-License-Identifier: GPL-3.0-or-later
// Declares `smsctl send` and `smsctl submit`.
#include <fmt/format.h>
#include <sysexits.h>

#include <utility>

#include "supervisor/smsctl/command-line.h"

namespace smsd::smsctl {
namespace {

/// With --group there is no number, and the only word is the text.
void takeWords(const CLI::App& sub, const std::string& group, std::string& recipient, std::string& text) {
  const std::string name = sub.get_name();
  const auto refuse = [&name](const char* expected) {
    throw CommandError(EX_USAGE,
                       fmt::format("{}: expected {}; see `smsctl {} --help`", name, expected, name));
  };
  const std::size_t words = sub.count("PHONE") + sub.count("TEXT");
  if (!group.empty()) {
    if (words != 1) refuse("one TEXT with --group");
    return std::swap(recipient, text);
  }
  if (words == 0) refuse("PHONE");
  if (words == 1) refuse("TEXT");
}

}  // namespace

void addSend(CLI::App& app, Arguments& a, Action& chosen) {
  auto* sub = command(app, "send", "put a message into the queue", a, chosen, [&app, &a]() {
    takeWords(*app.get_subcommand("send"), a.send.group, a.send.recipient, a.send.text);
    if (a.severity > 0) a.send.severity = a.severity;
    return smsctl::send(siteIn(a), a.send, a.form());
  });
  sub->add_option("PHONE", a.send.recipient, "the recipient's number");
  sub->add_option("TEXT", a.send.text, "the message; - reads it from standard input");
  sub->add_option("--group", a.send.group, "a name of groups.yaml instead of PHONE: each of its numbers")
      ->type_name("NAME");
  sub->add_option("--severity", a.severity, "1 is the most severe; a message without a severity comes last")
      ->transform(io::wholeNumber(1, 1'000'000))
      ->type_name("N");
}

void addSubmit(CLI::App& app, Arguments& a, Action& chosen) {
  auto* sub = command(app, "submit", "submit an alert at intake.sock, for programs of the group smsd-submit",
                      a, chosen, [&app, &a]() {
                        auto& s = a.submit;
                        takeWords(*app.get_subcommand("submit"), s.group, s.recipient, s.text);
                        s.severity = a.severity;
                        if (!a.expiresIn.empty())
                          s.expiresIn = static_cast<std::uint32_t>(
                              durationOf("--expires-in", a.expiresIn, {1s, std::chrono::days(365)}) / 1s);
                        return smsctl::submit(s, a.form());
                      });
  sub->add_option("PHONE", a.submit.recipient, "the recipient's number");
  sub->add_option("TEXT", a.submit.text, "the text of the alert");
  sub->add_option("--group", a.submit.group, "a name of groups.yaml instead of PHONE: each of its numbers")
      ->type_name("NAME");
  sub->add_option("--severity", a.severity, "1 is the most severe")
      ->transform(io::wholeNumber(1, 5))
      ->type_name("N");
  sub->add_option("--key", a.submit.key, "the deduplication key: a second alert with it is not sent")
      ->type_name("KEY");
  sub->add_option("--cancels", a.submit.cancels, "the key of the alert that this one resolves")
      ->type_name("KEY");
  sub->add_option("--expires-in", a.expiresIn, "the time after which it is not sent any more")
      ->type_name("DURATION");
  sub->add_option("--label", a.submit.label, "on whose behalf, for `smsctl explain`")->type_name("NAME");
  sub->add_option("--socket", a.submit.socket, "the socket")->capture_default_str()->type_name("FILE");
}

}  // namespace smsd::smsctl
