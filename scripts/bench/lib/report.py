"""Medians of runs, and the tables they are printed in."""
import statistics


def medians(runs, count, database="postgres"):
    """`runs`: what lib.servers.measured() returned; `count`: the rows or changes of each; `database`: that server's name."""

    def middle(key):
        return statistics.median(one.get(key, float("nan")) for one in runs)

    million = count / 1e6
    return {
        "rows": count,
        "seconds": middle("seconds"),
        "rows_per_s": count / middle("seconds"),
        "cpu_per_million": middle("cpu") / million,
        "database_cpu_per_million": middle(f"{database}_cpu") / million,
        "kafka_cpu_per_million": middle("kafka_cpu") / million,
        "memory_mb": middle("memory_mb"),
    }


def print_table(name, table, bound_of, unit="rows", database="PostgreSQL"):
    """`bound_of(contender)`: the line that its ratio is to, or None."""
    print(f"\n{name}\n")
    server = f"{database}'s"
    print(f"| contender               | {unit:>9} | seconds | {unit + '/s':>9} | ratio | CPU s per million {unit} | {server:>12} | Kafka's | peak memory |")
    print(f"|-------------------------|----------:|--------:|----------:|------:|-------------------{'-' * len(unit)}:|-------------:|--------:|------------:|")
    for contender, line in table.items():
        own = bound_of(contender)
        ratio = f"{line['rows_per_s'] / own['rows_per_s']:5.0%}" if own else "     "
        print(
            f"| {contender:23} | {line['rows']:9,} | {line['seconds']:7.2f} | {line['rows_per_s']:9,.0f} | {ratio} |"
            f" {line['cpu_per_million']:{18 + len(unit)}.2f} | {line['database_cpu_per_million']:12.2f} |"
            f" {line['kafka_cpu_per_million']:7.2f} | {line['memory_mb']:8.0f} MB |"
        )
