import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// A second is not enough where everything else is tested beside.
configure({ asyncUtilTimeout: 10_000 });

afterEach(cleanup);
