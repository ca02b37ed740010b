// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl complete`, which the scripts for bash and zsh call at each press of the tabulator key.
//
// Owns where the names come from: the dispatchers from the running daemon, otherwise from smsd.yaml; the held
// SMS from the daemon, otherwise from the queue. Prints no error, because it would appear in the middle of
// the operator's line, and takes no longer than five seconds.
#include <kj/exception.h>
#include <sysexits.h>
#include <unistd.h>

#include <exception>
#include <string>
#include <vector>

#include "common/io/output.h"
#include "supervisor/control/client.h"
#include "supervisor/smsctl/command-line.h"
#include "supervisor/smsctl/completion.h"
#include "supervisor/smsctl/config-keys/command.h"

namespace smsd::smsctl {
namespace {

constexpr unsigned longest = 5;  // seconds
constexpr std::size_t mostHeld = 50;

std::string fileOf(const GivenValues& given) {
  return given.config.empty() ? Arguments().config : given.config;
}

/// Returns the names that the running daemon has, otherwise those of smsd.yaml. `ofDaemon` returns a list of
/// the daemon's status, `ofFile` the same list of the file.
template <typename OfDaemon, typename OfFile>
std::vector<std::string> namesIn(const GivenValues& given, OfDaemon ofDaemon, OfFile ofFile) {
  const config::Config config = config::readConfig(fileOf(given), config::Reach::valuesOnly).config;
  std::vector<std::string> names;
  try {
    control::Client client(socketOfStatus(config), 1 * kj::SECONDS);
    auto answer = client.wait<capnp::Response<proto::Control::StatusResults>>(
        client.control().statusRequest().send(), 1 * kj::SECONDS);
    for (auto one : ofDaemon(answer.getStatus())) names.emplace_back(one.getName().cStr());
  } catch (const control::Unreachable&) {
    // not running, or closed to this user: smsd.yaml has the names
  } catch (const kj::Exception&) {
    // no answer in time: as above
  }
  if (names.empty())
    for (const auto& one : ofFile(config)) names.push_back(one.name);
  return names;
}

std::vector<std::string> dispatchers(const GivenValues& given) {
  return namesIn(
      given, [](proto::Status::Reader status) { return status.getDispatchers(); },
      [](const config::Config& config) { return config.dispatchers; });
}

std::vector<std::string> heartbeats(const GivenValues& given) {
  return namesIn(
      given, [](proto::Status::Reader status) { return status.getHeartbeats(); },
      [](const config::Config& config) { return config.heartbeats; });
}

std::vector<std::string> held(const GivenValues& given) {
  std::vector<std::string> ids;
  Site site = siteOf(fileOf(given), namedIn(fileOf(given)));
  site.warn = Site::Warn::no;
  for (const auto id : idsOfHeld(site, mostHeld)) ids.push_back(std::to_string(id));
  return ids;
}

}  // namespace

int complete(CLI::App& app, const std::vector<std::string>& words) {
  alarm(longest);
  const CandidateSources sources{
      .dispatchers = dispatchers,
      .held = held,
      .keys = [](const GivenValues& given) { return namesOfKeys(fileOf(given), given.kind); },
      .kinds = [](const GivenValues& given) { return namesOfKinds(fileOf(given)); },
      .heartbeats = heartbeats};
  try {
    for (const std::string& word : candidates(app, words, sources)) io::print(word + "\n");
  } catch (const std::exception&) {
    return EX_UNAVAILABLE;
  } catch (const kj::Exception&) {
    return EX_UNAVAILABLE;
  }
  return EX_OK;
}

}  // namespace smsd::smsctl
