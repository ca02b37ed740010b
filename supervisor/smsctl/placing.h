// SPDX-License-Identifier: GPL-3.0-or-later
// Puts a configuration file in its place: complete or not at all, with its owner, group and mode.
//
// Owns where a file of smsd belongs, who owns it, and who may read it. Called by `config install` and by the
// move from NAV, as root. Follows no link: neither the file nor its folder may be one. Throws CommandError;
// the file is then as it was before.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace smsd::smsctl {

enum class Owner {
  readableBySmsd,  // root:smsd 0640
  smsd,            // smsd:smsd 0600: libpq refuses a password file that a group may read
  everybody,       // root:root 0644: units
};

struct FilePlace {
  std::filesystem::path path;
  Owner owner = Owner::readableBySmsd;
  bool operator==(const FilePlace&) const = default;
};

/// Returns the place of a file named `name`, with smsd.yaml in `folder`: smsd.yaml, groups.yaml and *.pgpass
/// in it, all others in its folder dispatchers. Pure.
FilePlace placeOf(const std::string& name, const std::filesystem::path& folder);

/// Returns for example "root:smsd, mode 0640".
std::string describe(Owner owner);

enum class Placing { missing, differs, wrongOwner, inPlace };
/// Compares the file at `place` with `content`, and its owner and mode. Returns `differs` if it cannot be
/// read.
Placing look(const FilePlace& place, const std::string& content);

/// Writes the file, in a folder that exists or is created (root:smsd, mode 0750).
void put(const FilePlace& place, const std::string& content);

struct FileToPut {
  FilePlace place;
  std::string content;
};
/// Throws if a link, or another thing than a file, is at one of the places.
void refuseLinks(const std::vector<FileToPut>& files);
/// Checks all places and writes all files beside them before the first one takes its place, in the order of
/// `files`. If a rename fails after that, which is rare, the error names the files that are in place.
void putAll(const std::vector<FileToPut>& files);

/// Writes `path` with the owner and mode of `model`, a file that exists, and may be the same.
void writeLike(const std::filesystem::path& model, const std::filesystem::path& path,
               const std::string& content);
/// Gives a folder to root and the group smsd, mode 0750.
void shareWithSmsd(const std::filesystem::path& folder);
/// Throws if the file does not exist, is a link or no file, or is longer than 1 MiB.
std::string readWhole(const std::filesystem::path& path);
bool isThere(const std::filesystem::path& path);

}  // namespace smsd::smsctl
