#ifndef C_SCENARIO_DATA_H
#define C_SCENARIO_DATA_H

#include <stddef.h>

/// The recorded scenarios as they lie in Sources/Scenarios/Recorded, inside the binary: a copied
/// `breakwater` carries them. Through `#embed`: Swift compiles a large array literal slowly, and a
/// resource bundle would have to be shipped beside the binary.
const unsigned char *_Nonnull breakwater_crash_2025_10_10(void);
size_t breakwater_crash_2025_10_10_size(void);

#endif
