#!/bin/sh
# note.sh CHECKOUT FOLDER: writes FOLDER/BuildCommit.swift, and leaves it alone when it says so already.
checkout=$1
file=$2/BuildCommit.swift

commit=$(git -C "$checkout" rev-parse --verify --quiet HEAD 2>/dev/null) || commit=unknown
# A plus says that files differ from the commit.
if [ "$commit" != unknown ] && [ -n "$(git -C "$checkout" status --porcelain -- Sources Package.swift)" ]; then
    commit=$commit+
fi

text="/// The commit that this build is of: \`unknown\` outside of a checkout, with a plus behind it when files had been changed.
enum BuildCommit {
    static let name = \"$commit\"
}"
if [ "$text" != "$(cat "$file" 2>/dev/null)" ]; then
    printf '%s\n' "$text" >"$file"
fi
