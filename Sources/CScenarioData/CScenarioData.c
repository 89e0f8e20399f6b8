#include "CScenarioData.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char crash_2025_10_10[] = {
#embed "../Scenarios/Recorded/crash-2025-10-10.scenario"
};

const unsigned char *breakwater_crash_2025_10_10(void) { return crash_2025_10_10; }
size_t breakwater_crash_2025_10_10_size(void) { return sizeof crash_2025_10_10; }
