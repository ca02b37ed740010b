// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/checks.h"

#include <algorithm>

namespace smsd::check {

const std::vector<Check>& checks() {
  using Size = Check::Size;
  // `one-outcome` comes before the checks that wait for outcomes (Bench::requireOutcomes). Those that need a
  // fresh process, or leave none, come late (Bench::keep). The last three share the connection of
  // `one-outcome`, and have the faults that were seen in any other one.
  static const std::vector<Check> all = {
      {"ready", "The program answers describe() when it can serve, within start_timeout, and stays.",
       "Dispatcher.describe",
       "Serve a Dispatcher at the descriptor of --channel-fd, or at the listening descriptor 3 if LISTEN_FDS "
       "is "
       "set, until the connection ends.",
       In::each, 0, Size::fixed, checkReady},
      {"description",
       "describe() returns a version that smsd works with, the kind of the dispatcher's entry, and a window "
       "and "
       "a backlog within its bounds.",
       "struct Description", "Set version, kind, window and backlog. A window of 1 suits a modem.", In::first,
       0, Size::fixed, checkDescription},
      {"one-outcome", "Each SMS gets exactly one outcome, or notBegun.", "Dispatcher.dispatch",
       "Remove an SMS from the list of open ones when you report its outcome. Report unknown when its "
       "deadline "
       "has passed.",
       In::first, 0, Size::batch, checkOneOutcome},
      {"begun-first",
       "The report of begun comes first, and the program touches the SMS only when that call has returned.",
       "OutcomeSink.report", "Wait for the return of report(begun) before you send the SMS.", In::first, 1,
       Size::fixed, checkBegunFirst},
      {"withheld",
       "An SMS that report() returns as withheld is not begun. The program reports it as notBegun.",
       "OutcomeSink.report",
       "Read withheld in the answer to report(begun), and give those SMS back untouched.", In::first, 0,
       Size::fixed, checkWithheld},
      {"health", "health() returns within 5 s, also while SMS are in progress.", "Dispatcher.health",
       "Answer from what is known already. Do not wait for the gateway or the device.", In::first, 0,
       Size::fixed, checkHealth},
      {"window", "No more SMS than the window holds are begun at the same time.", "Description.window",
       "Keep further SMS in a queue of your own until one has its outcome.", In::first, 0, Size::fixed,
       checkWindow},
      {"limits", "A batch above window + backlog fails the call, and the program takes none of it.",
       "Dispatcher.dispatch",
       "Count the SMS that have no outcome yet. Throw from dispatch() before you take the first SMS of a "
       "batch "
       "that does not fit.",
       In::first, 0, Size::fixed, checkLimits},
      {"recall",
       "recall() returns, for each attempt that the program remembers, the same outcome that it has "
       "reported, "
       "and nothing for others.",
       "Dispatcher.recall", "Keep the outcomes of the last 10,000 attempts as they were reported.", In::first,
       1, Size::fixed, checkRecall},
      {"next-version",
       "The program ignores fields that it does not know, and fails calls that it does not know.",
       "oldestVersion", "Use a Cap'n Proto library, which does this, and do not check the size of a struct.",
       In::first, 1, Size::fixed, checkNextVersion},
      {"deadline", "The outcome comes within the deadline of the SMS, and 3 s at most after it.",
       "Sms.deadline", "Start a timer when the SMS begins. When it rings, report unknown.", In::first, 1,
       Size::fixed, checkDeadline},
      {"bad-input",
       "Strange arguments do not harm the program. Bytes that are no message end the connection, and nothing "
       "crashes.",
       "Dispatcher", "Check each argument. Treat a broken connection as a supervisor that has gone.",
       In::each, 0, Size::fixed, checkBadInput},
      {"vanished-supervisor",
       "When the supervisor goes, a spawned program exits. A socket-activated one goes on, and answers "
       "recall() "
       "on the next connection.",
       "Dispatcher.recall",
       "Spawned: exit when the connection ends. Socket-activated: accept the next connection, and keep the "
       "outcomes.",
       In::each, 1, Size::fixed, checkVanished},
      {"second-connection", "A program has one supervisor at a time, and refuses a second connection.",
       "the head of dispatcher.capnp", "Close a connection that comes while another one is open.", In::socket,
       0, Size::fixed, checkSecondConnection},
      {"drain",
       "drain() returns when no SMS is in progress and every outcome was reported. No report follows.",
       "Dispatcher.drain",
       "Report notBegun for each SMS that is not begun. Return from drain() after report() has returned for "
       "the "
       "last outcome.",
       In::first, 1, Size::fixed, checkDrain},
      {"quit", "quit() drains, and then the process closes the connection and ends.", "Dispatcher.quit",
       "End the process after the return of quit(), or leave quit() out: smsd then uses drain().", In::each,
       0, Size::fixed, checkQuit},
      {"last-words",
       "lastWords() returns only shortly before the process ends by itself. A program that cannot serve its "
       "file "
       "answers with the cause cannotStart, and ends.",
       "Dispatcher.lastWords", "Keep the call open while you serve, or leave lastWords() out.", In::first, 0,
       Size::fixed, checkLastWords},
      {"own-attempts", "The program reports only attempts that it was given over this connection.",
       "OutcomeSink.report",
       "Report the attempt id of the SMS, and drop reports when the connection changes.", In::all, 0,
       Size::batch, checkOneOutcome},
      {"messages", "The program sends only messages of the contract, within the bounds of smsd.",
       "the head of dispatcher.capnp",
       "Write nothing but Cap'n Proto messages to the channel, and no empty reports.", In::all, 0,
       Size::batch, checkOneOutcome},
      {"stays-alive", "The program serves until its connection ends or quit() is called.",
       "Dispatcher.lastWords",
       "Look at the last line that it wrote. Report an error as an outcome, and go on.", In::all, 0,
       Size::batch, checkOneOutcome},
  };
  return all;
}

const Check* findCheck(std::string_view name) {
  const auto& all = checks();
  auto found =
      std::find_if(all.begin(), all.end(), [name](const Check& check) { return check.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace smsd::check
