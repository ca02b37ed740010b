// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/read-settings.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstdlib>
#include <system_error>

#include "common/config/keys-json.h"
#include "common/config/wipe.h"
#include "common/files/regular-file.h"
#include "common/io/output.h"
#include "common/text/utf.h"

namespace smsd::webintake {
namespace {

constexpr std::size_t largestFile = 256 * 1024;

std::filesystem::path fileOf(const IntakeOptions& options) {
  if (!options.config.empty()) return options.config;
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder == nullptr ? std::filesystem::path() : std::filesystem::path(folder) / "config";
}

}  // namespace

std::string readSettings(const IntakeOptions& options, IntakeSettings& settings) {
  const std::filesystem::path file = fileOf(options);
  if (file.empty()) return "expected --config FILE, or the credential `config` of smsd-intake.service\n";
  const std::string name = options.configName.empty() ? file.string() : options.configName;
  std::error_code why;
  const auto text = files::readRegular(file, largestFile, why);
  if (!text) return fmt::format("{}: {}\n", name, why.message());
  config::Keys keys;
  declare(keys, settings);
  return config::describe(keys.read(*text, name, file.parent_path()));
}

void printKeys(const IntakeOptions& options) {
  IntakeSettings settings;
  config::Keys keys;
  declare(keys, settings);
  if (!options.json) {
    for (const auto& key : keys.explain())
      io::print(fmt::format("{:<30} {}{}\n{:<30} {}\n", key.key, key.type,
                            key.required               ? " (required)"
                            : key.defaultValue.empty() ? ""
                                                       : ", default " + key.defaultValue,
                            "", key.help));
    return;
  }
  auto list = nlohmann::ordered_json::array();
  for (const auto& key : keys.explain()) list.push_back(config::asJson(key));
  io::print(text::escapedJson(list.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) +
            "\n");
}

}  // namespace smsd::webintake
