// SPDX-License-Identifier: GPL-3.0-or-later
// Any answer of a gateway under rules of every form, and any JSON pointer and expression on it (libFuzzer).
//
// The first four bytes are the rules, the status, how the transfer ended and how long to wait. Then come a
// header, a pointer, an expression, the body and its Content-Type, separated by 0x1E. Whatever is answered
// has one outcome, a reason says nothing that the gateway said, what is shown of it is bounded, its text is
// UTF-8 whatever its bytes are, and only a success can be one that is not understood.
#include <cstdint>
#include <memory>
#include <variant>

#include "common/text/utf.h"
#include "tests/fuzz/demand.h"
#include "tests/workers/outcome-words.h"
#include "workers/net/rules.h"

namespace {

using namespace smsd;
using namespace std::chrono_literals;

constexpr const char* origin = "https://gw:443";
constexpr const char* canary = "hunter2";

constexpr const char* configurations[] = {
    "", "reference: {body: '([A-Z]-[0-9]+)'}\n", "reference: {json: /messages/0/id, header: X-Id}\n",
    R"(
answers:
  - {status: 200-202, body: '^ERR', is: refused, reason: no}
  - {json: /code, equals: '4', is: deferred, after: 1h}
  - {json: /code, matches: '^[0-9]+$', is: accepted}
  - {status: 2xx, json: /a/b/0, is: broken}
  - {body: '(a|b)*c', is: unknown}
reference: {json: /id}
)",
    "answers: [{status: '5xx, 200', is: accepted}, {is: unknown}]\nreference: {header: Location}\n"};

const net::Rules& rulesAt(std::size_t i) {
  static const auto all = [] {
    std::vector<std::unique_ptr<net::Rules>> rules;
    for (auto yaml : configurations) {
      config::Keys keys;
      rules.push_back(std::make_unique<net::Rules>());
      rules.back()->declare(keys);
      fuzz::demand(config::describe(keys.read(yaml, "gateway.yaml")));
    }
    return rules;
  }();
  return *all[i % all.size()];
}

void checkOutcome(const kit::Outcome& outcome, const net::Exchange& exchange) {
  if (auto* accepted = std::get_if<kit::Accepted>(&outcome)) {
    fuzz::demand("accepted is what was answered", exchange.status != 0);
    fuzz::demand("a reference is bounded", accepted->reference.size() <= net::longestReference);
    fuzz::demand("a reference is text", text::isValid(accepted->reference));
    return;
  }
  const std::string reason = test::wordsOf(outcome);
  fuzz::demand("a reason says whom it is about", reason.starts_with(origin));
  fuzz::demand("a reason is short", reason.size() < 200);
  fuzz::demand("a reason quotes nothing", reason.find(canary) == reason.npos);
  auto* unknown = std::get_if<kit::Unknown>(&outcome);
  if (unknown != nullptr && unknown->reply == kit::Reply::notUnderstood)
    fuzz::demand("what is not understood is a success", exchange.status >= 200 && exchange.status < 300);
  if (auto* deferred = std::get_if<kit::Deferred>(&outcome)) {
    fuzz::demand("a wait is bounded", deferred->after >= 0ms && deferred->after <= net::longestRetryAfter);
    fuzz::demand("what went out unanswered is not deferred",
                 exchange.status != 0 || exchange.sent == net::Sent::nothing);
  }
}

void checkParts(const std::string& pointerText, const std::string& expressionText,
                const net::Exchange& exchange) {
  net::Pointer pointer;
  net::Answer answer(exchange);
  const std::string& text = answer.text();
  fuzz::demand("an answer's text is UTF-8", text::isValid(text));
  fuzz::demand("and hardly longer", text.size() <= 3 * exchange.body.size() + 3);
  if (!pointer.compile(pointerText) && pointer)
    if (auto found = pointer.in(answer.json()))
      fuzz::demand("a value is of the answer", found->size() <= text.size());
  net::Expression expression;
  if (expression.compile(expressionText) || !expression) return;
  auto found = expression.extract(text);
  fuzz::demand("what matches can be taken out", found.has_value() == expression.matches(text));
  if (found) fuzz::demand("and is a part", text.find(*found) != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  auto parts = fuzz::split({reinterpret_cast<const char*>(data) + 4, size - 4});
  parts.resize(5);
  net::Exchange exchange;
  constexpr int statuses[] = {0, 200, 202, 204, 301, 400, 401, 409, 429, 500, 502, 503, 599, 999, -1, 100};
  exchange.status = statuses[data[1] % 16];
  exchange.failure = static_cast<net::Failure>(data[2] % 9);
  exchange.sent = (data[2] & 0x40) != 0 ? net::Sent::something : net::Sent::nothing;
  exchange.whole = (data[2] & 0x80) != 0 ? net::Exchange::Body::partial : net::Exchange::Body::whole;
  exchange.retryAfter = std::chrono::hours(data[3]) - 10h;
  exchange.header = std::string(parts[0]) + canary;
  exchange.body = std::string(parts[3]);
  exchange.contentType = std::string(parts[4]);
  checkParts(std::string(parts[1]), std::string(parts[2].substr(0, 64)), exchange);
  checkOutcome(rulesAt(data[0]).outcomeOf(exchange, origin), exchange);
  exchange.body += canary;
  checkOutcome(rulesAt(data[0]).outcomeOf(exchange, origin), exchange);
  return 0;
}
