package monitor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/prometheus/procfs"
	"github.com/prometheus/procfs/blockdevice"
)

// node is the collectors of a node without its GPUs.
func node(cfg Config) ([]*collector, error) {
	proc, err := procfs.NewFS(cfg.Proc)
	if err != nil {
		return nil, fmt.Errorf("opening procfs: %w", err)
	}
	var collectors []*collector
	add := func(word string, c ...*collector) {
		if cfg.reads(word) {
			collectors = append(collectors, c...)
		}
	}
	if total, cores := cfg.reads("cpu"), cfg.reads("cores"); total || cores {
		collectors = append(collectors, newCPU(proc, total, cores))
	}
	add("cpu", newLoad(proc))
	add("memory", newMemory(proc))
	add("network", newNetwork(proc, cfg.Sys))
	if exists(cfg.Sys, "class/infiniband") {
		add("infiniband", newInfiniBand(cfg.Sys))
	}
	if block, err := blockdevice.NewFS(cfg.Proc, cfg.Sys); err == nil {
		add("disk", newDisk(block, cfg.Sys))
	}
	add("cgroup", newCgroup(proc, cfg.Sys))
	return collectors, nil
}

func exists(elem ...string) bool {
	_, err := os.Stat(filepath.Join(elem...))
	return err == nil
}

func newLoad(fs procfs.FS) *collector {
	return &collector{name: "load", columns: []column{{"load1", 2, nil}}, read: func(float64) ([]float64, error) {
		load, err := fs.LoadAvg()
		if err != nil {
			return nil, err
		}
		return []float64{load.Load1}, nil
	}}
}

// newMemory reads memory; used is what is not available to a new process.
func newMemory(fs procfs.FS) *collector {
	columns := []column{{"mem_total_bytes", 0, nil}, {"mem_available_bytes", 0, nil}, {"mem_used_bytes", 0, nil}, {"swap_used_bytes", 0, nil}}
	return &collector{name: "memory", columns: columns, read: func(float64) ([]float64, error) {
		m, err := fs.Meminfo()
		if err != nil {
			return nil, err
		}
		total, available := maybe(m.MemTotalBytes), maybe(m.MemAvailableBytes)
		return []float64{total, available, total - available, maybe(m.SwapTotalBytes) - maybe(m.SwapFreeBytes)}, nil
	}}
}

// newNetwork adds up the physical interfaces, so that no packet counts twice over a bond, bridge or VLAN. Where there is
// none, as in a network namespace, it adds up all but lo.
func newNetwork(fs procfs.FS, sys string) *collector {
	var rx, tx rates
	columns := []column{{"net_rx_bytes_per_s", 0, nil}, {"net_tx_bytes_per_s", 0, nil}}
	return &collector{name: "network", columns: columns, read: func(elapsed float64) ([]float64, error) {
		devices, err := fs.NetDev()
		if err != nil {
			return nil, err
		}
		received, sent := interfaces(devices, func(name string) bool { return exists(sys, "class/net", name, "device") })
		if len(received) == 0 {
			received, sent = interfaces(devices, func(name string) bool { return name != "lo" })
		}
		return []float64{rx.sum(received, elapsed), tx.sum(sent, elapsed)}, nil
	}}
}

// interfaces is the bytes received and sent of the interfaces that count.
func interfaces(devices procfs.NetDev, counts func(name string) bool) (rx, tx map[string]uint64) {
	rx, tx = map[string]uint64{}, map[string]uint64{}
	for name, d := range devices {
		if counts(name) {
			rx[name], tx[name] = d.RxBytes, d.TxBytes
		}
	}
	return rx, tx
}

// newInfiniBand adds up all InfiniBand ports. Their data do not pass through the network interfaces above, unless as IP.
// (Package sysfs of procfs would read them, but wants a module that is not ours.)
func newInfiniBand(sys string) *collector {
	var rx, tx rates
	columns := []column{{"ib_rx_bytes_per_s", 0, nil}, {"ib_tx_bytes_per_s", 0, nil}}
	return &collector{name: "infiniband", columns: columns, read: func(elapsed float64) ([]float64, error) {
		ports, err := filepath.Glob(filepath.Join(sys, "class/infiniband/*/ports/*/counters"))
		if err != nil {
			return nil, err
		}
		return []float64{
			rx.sum(portData(ports, "port_rcv_data"), elapsed),
			tx.sum(portData(ports, "port_xmit_data"), elapsed),
		}, nil
	}}
}

// portData is a counter of every port that has it, in bytes: the kernel counts words of 4 bytes.
func portData(ports []string, counter string) map[string]uint64 {
	data := map[string]uint64{}
	for _, port := range ports {
		if n, err := strconv.ParseUint(content(port, counter), 10, 64); err == nil {
			data[port] = 4 * n
		}
	}
	return data
}

// sector is the unit of /proc/diskstats in bytes, whatever the disk's own.
const sector = 512

// newDisk adds up the physical disks: partitions, loops and mappings are parts or users of these.
func newDisk(fs blockdevice.FS, sys string) *collector {
	var in, out rates
	columns := []column{{"disk_read_bytes_per_s", 0, nil}, {"disk_write_bytes_per_s", 0, nil}}
	return &collector{name: "disk", columns: columns, read: func(elapsed float64) ([]float64, error) {
		disks, err := fs.ProcDiskstats()
		if err != nil {
			return nil, err
		}
		read, written := map[string]uint64{}, map[string]uint64{}
		for _, d := range disks {
			if exists(sys, "block", d.DeviceName, "device") {
				read[d.DeviceName], written[d.DeviceName] = d.ReadSectors*sector, d.WriteSectors*sector
			}
		}
		return []float64{in.sum(read, elapsed), out.sum(written, elapsed)}, nil
	}}
}
