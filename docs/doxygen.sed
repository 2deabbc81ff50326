# SPDX-License-Identifier: MIT
# doxygen.sed - shows doxygen our plain comments as documentation: the head of a file, the comment
# before a declaration, the one behind a member. Headings ("--- waiting") stay what they are.
s|^/\* SPDX-License-Identifier: MIT$|/** @file|
/^ *\/\* ---/b
s|^\( *\)/\* |\1/** |
s|^\(.*[;,{)] *\)/\* |\1/**< |
