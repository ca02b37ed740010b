// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/runtimes.h"

#include <fmt/format.h>
#include <glob.h>

namespace smsd::command {
namespace {

const RuntimeFiles nothing;
// The kernel executes the loader, the loader reads the libraries. A program that is started by the loader
// needs the right to read it only, so no more programs than `executable` and `readable` name can be executed.
const RuntimeFiles native{
    {"/lib/ld-linux*.so.*", "/lib64/ld-linux*.so.*"},
    {"/etc/ld.so.cache", "/usr/lib/" SMSD_MULTIARCH, "/usr/lib/locale/C.utf8", "/usr/share/zoneinfo",
     "/etc/localtime", "/dev/zero", "/dev/random", "/dev/urandom"}};
const RuntimeFiles shell{{"/bin/sh", "/bin/dash", "/bin/bash"}, {}};
const RuntimeFiles python{{"/usr/bin/python3", "/usr/bin/python3.[0-9]*", "/usr/bin/env"},
                          {"/usr/lib/python3", "/usr/lib/python3.[0-9]*", "/usr/local/lib/python3.[0-9]*",
                           "/etc/python3", "/etc/python3.[0-9]*", "/etc/ssl/openssl.cnf"}};
const RuntimeFiles perl{{"/usr/bin/perl", "/usr/bin/env"},
                        {"/etc/perl", "/usr/share/perl", "/usr/share/perl5", "/usr/local/share/perl",
                         "/usr/local/lib/" SMSD_MULTIARCH "/perl"}};

void append(const std::vector<std::string>& patterns, std::vector<std::filesystem::path>& paths) {
  for (auto& pattern : patterns) {
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
      paths.insert(paths.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
  }
}

}  // namespace

const RuntimeFiles& filesOf(Runtime runtime) {
  switch (runtime) {
    case Runtime::fixed:
      return nothing;
    case Runtime::native:
      return native;
    case Runtime::shell:
      return shell;
    case Runtime::python:
      return python;
    case Runtime::perl:
      return perl;
  }
  return nothing;
}

void allowRuntime(Runtime runtime, sandbox::Policy& policy) {
  if (runtime == Runtime::fixed) return;
  for (auto part : {Runtime::native, runtime}) {
    append(filesOf(part).executable, policy.executable);
    append(filesOf(part).readable, policy.readable);
    if (runtime == Runtime::native) return;
  }
}

std::string explainRuntimes() {
  auto list = [](const RuntimeFiles& files) {
    std::string text = fmt::format("executes {}", fmt::join(files.executable, " "));
    return files.readable.empty() ? text : text + fmt::format(", reads {}", fmt::join(files.readable, " "));
  };
  return fmt::format(
      "static: nothing; native: {}; shell, python and perl: as native, and shell {}; python {}; perl {}",
      list(native), list(shell), list(python), list(perl));
}

}  // namespace smsd::command
