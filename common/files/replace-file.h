// SPDX-License-Identifier: GPL-3.0-or-later
// Replaces a small file as a whole, so that a reader, a crash or a power cut sees the old content or the new
// one. Called by all code that keeps its state in such a file, and by the exporter for its text file.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace smsd::files {

/// Writes a file `<file>.new` beside it, syncs it, and renames it. `mode`: its permissions, whatever the
/// umask; none: those of smsd's own files. Throws std::system_error with the path if that fails; `file` is
/// then as it was, unless only the folder could not be synced.
void replaceFile(const std::filesystem::path& file, const std::string& text,
                 std::optional<mode_t> mode = std::nullopt);

}  // namespace smsd::files
